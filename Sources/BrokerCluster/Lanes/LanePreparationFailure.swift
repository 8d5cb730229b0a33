/// Why the streams of lanes cannot be used.
package enum LanePreparationFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// JetStream does not answer, or refuses; in words. It may be tried again.
    case unavailable(String)
    /// A stream or a server is set up so that messages would be lost, in words that say what to change.
    case unfit(String)

    package var description: String {
        switch self {
        case .unavailable(let detail), .unfit(let detail): detail
        }
    }
}
