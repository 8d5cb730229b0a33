/// What a user or an API key may do.
package enum Role: String, Codable, Sendable, CaseIterable {
    /// Everything.
    case administrator
    /// Reading, and what is about the user itself.
    case viewer
    /// Publishing, and nothing else.
    case publisher
}
