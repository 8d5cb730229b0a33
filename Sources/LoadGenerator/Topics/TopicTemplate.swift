import NIOCore
import Synchronization

/// A topic or filter with placeholders, which are replaced only where they are a whole level.
struct TopicTemplate: Sendable {
    /// A level of the topic: a text, or a placeholder.
    private enum Level {
        case literal(String)
        case number
        case clientIdentifier
        case userName
        case sequence
        case random(Int)
    }

    private let levels: [Level]
    /// True if each message has a topic of its own.
    let changes: Bool

    /// Messages of the process so far, for `%s`.
    private static let published = Atomic<UInt64>(0)

    init(_ text: String) {
        levels = text.split(separator: "/", omittingEmptySubsequences: false).map { level in
            switch level {
            case "%i": .number
            case "%c": .clientIdentifier
            case "%u": .userName
            case "%s": .sequence
            default: Self.randomBound(level).map(Level.random) ?? .literal(String(level))
            }
        }
        changes = levels.contains {
            switch $0 {
            case .sequence, .random: true
            default: false
            }
        }
    }

    func text(for identity: ClientIdentity) -> String {
        levels.map { level in
            switch level {
            case .literal(let text): text
            case .number: "\(identity.number)"
            case .clientIdentifier: identity.clientIdentifier
            case .userName: identity.userName ?? ""
            case .sequence: "\(Self.published.wrappingAdd(1, ordering: .relaxed).newValue)"
            case .random(let bound): "\(Int.random(in: 1...bound))"
            }
        }.joined(separator: "/")
    }

    /// M of `%rand_M`, 1 and up.
    static func randomBound(_ text: some StringProtocol) -> Int? {
        let prefix = "%rand_"
        guard text.hasPrefix(prefix), let bound = Int(text.dropFirst(prefix.count)), bound > 0 else { return nil }
        return bound
    }
}
