/// How a store is, with a sentence for people.
package enum StoreHealth: Sendable, Equatable, CustomStringConvertible {
    case well
    /// Commits take this long. Nothing else is different.
    case slow(Duration)
    /// Only the reserve is left: ordinary batches are refused until space returns.
    case full(String)
    /// The file system or a file may not be written, which is tried again.
    case readOnly(String)
    /// Writing fails, which is tried again.
    case failing(String)
    /// Nothing is written any more, and the process has to end.
    case ended(String)

    package var description: String {
        switch self {
        case .well: "the store is well"
        case .slow(let time): "the store is slow: a commit takes \(time.inMilliseconds) ms"
        case .full(let text), .readOnly(let text), .failing(let text), .ended(let text): text
        }
    }

    /// The name of the state, of one word.
    package var name: String {
        switch self {
        case .well: "well"
        case .slow: "slow"
        case .full: "full"
        case .readOnly: "readOnly"
        case .failing: "failing"
        case .ended: "ended"
        }
    }

    /// The names of all states.
    static let names = ["well", "slow", "full", "readOnly", "failing", "ended"]
}

extension Duration {
    var inMilliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
