/// Collects events of a shard's clients, of the kinds that the shell wants, until it takes them.
///
/// Of a kind that is wanted once a window, the first event is collected and further ones are counted, until `takeSuppressed()`
/// begins the next window.
struct ShardEvents {
    private(set) var collected: [ShardEvent] = []
    private var wanted: ShardEvent.Kinds = []
    /// Kinds of which one event a window is collected.
    private var wantedOnce: ShardEvent.Kinds = []
    /// The kinds of `wantedOnce` of which an event has been collected in this window.
    private var told: ShardEvent.Kinds = []
    /// Events that were counted, by raw value of the kind; empty while no kind is wanted.
    private var suppressed: [UInt64] = []

    /// Events that are collected at a time; further ones are counted.
    static let maximumCount = 10_000

    var isEmpty: Bool { collected.isEmpty }

    mutating func want(_ kinds: ShardEvent.Kinds, once: ShardEvent.Kinds) {
        wanted = kinds
        wantedOnce = once
        suppressed = kinds.isEmpty ? [] : Array(repeating: 0, count: ShardEvent.Kind.allCases.count)
    }

    /// True if an event of this kind is to be collected. Counts an event that is wanted and is not to be collected.
    mutating func admits(_ kind: ShardEvent.Kind) -> Bool {
        guard wanted.contains(kind) else { return false }
        if told.contains(kind) || collected.count >= Self.maximumCount {
            suppressed[Int(kind.rawValue)] += 1
            return false
        }
        if wantedOnce.contains(kind) { told.insert(kind) }
        return true
    }

    mutating func append(_ event: ShardEvent) { collected.append(event) }

    mutating func take() -> [ShardEvent] {
        defer { collected = [] }
        return collected
    }

    /// Begins the next window, and returns how many events of each kind were not collected in this one.
    mutating func takeSuppressed() -> [(kind: ShardEvent.Kind, count: UInt64)] {
        told = []
        var counts: [(kind: ShardEvent.Kind, count: UInt64)] = []
        for kind in ShardEvent.Kind.allCases where !suppressed.isEmpty && suppressed[Int(kind.rawValue)] > 0 {
            counts.append((kind, suppressed[Int(kind.rawValue)]))
            suppressed[Int(kind.rawValue)] = 0
        }
        return counts
    }
}
