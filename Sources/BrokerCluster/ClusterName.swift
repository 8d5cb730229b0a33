/// The name of a cluster, which its subjects and streams in NATS begin with: 1 to 32 letters, digits, `-` and `_`.
package struct ClusterName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package static let longest = 32

    /// `nil` for a text that cannot be part of a subject and of the name of a stream.
    package init?(_ text: String) {
        let isToken = text.utf8.allSatisfy { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard isToken, (1...Self.longest).contains(text.utf8.count) else { return nil }
        description = text
    }
}
