/// The answer of one authenticator about a client.
package enum AuthenticationVerdict: Sendable, Equatable {
    /// The client has proved its name. A superuser may publish and subscribe to everything.
    case allow(isSuperuser: Bool)
    /// The client has not proved its name, and is refused.
    case deny
    /// This authenticator does not know the client; the next one is asked.
    case ignore
}
