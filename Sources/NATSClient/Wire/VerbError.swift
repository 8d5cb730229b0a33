/// Why octets are no message of the NATS protocol, or none that this side may accept. The connection cannot be read any further.
package struct VerbError: Error, Equatable, Sendable {
    /// The mistake in words: constant text, never a peer's data.
    package let detail: String

    init(_ detail: StaticString) { self.detail = detail.description }
}
