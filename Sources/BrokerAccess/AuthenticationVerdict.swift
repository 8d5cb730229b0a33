/// What one authenticator says of a client.
package enum AuthenticationVerdict: Sendable, Equatable {
    /// The client is who it says. A superuser may do anything.
    case allow(isSuperuser: Bool)
    /// The client is not who it says.
    case deny
    /// This authenticator does not know the client; the next one is asked.
    case ignore
}
