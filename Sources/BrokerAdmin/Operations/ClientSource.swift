package import MQTTBroker

/// Says which clients and subscriptions there are in all nodes.
package protocol ClientSource: Sendable {
    /// The clients of all nodes.
    ///
    /// - Parameters:
    ///   - node: the name of the only node that is asked; `nil` for all.
    ///   - withSessions: false if what the homes of sessions know is not wanted.
    func clients(_ search: ClientSearch, at node: String?, withSessions: Bool) async -> FleetPage<ClientRow>

    /// The subscriptions of all nodes.
    ///
    /// - Parameter node: the name of the only node that is asked; `nil` for all.
    func subscriptions(_ search: SubscriptionSearch, at node: String?) async -> FleetPage<SubscriptionRow>

    /// Publishes a message.
    ///
    /// - Returns: `nil` if it is not known in time what has become of it.
    func publish(_ message: MessageToPublish) async -> MessageToPublish.Outcome?

    /// Ends the session of a client wherever it is, and its connection.
    ///
    /// - Returns: false if no node that answers has the session.
    func kick(_ client: String) async -> Bool
}
