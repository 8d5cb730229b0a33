/// What a client tells its owner.
package enum ClientEvent: Sendable {
    /// A server accepted the client, and all subscriptions are in force.
    case ready(ServerInfo, ServerAddress)
    /// There is no connection; the next server is being tried. Requests that were under way have ended.
    case disconnected(ConnectionFailure, ServerAddress)
    /// The server said something by -ERR, such as that a subject is not permitted.
    case complained(String)
}
