/// The events of a shard's clients that nobody has taken yet, of the kinds that somebody wants.
///
/// Of a kind that is to be told once a window, the first event is collected and those that follow are counted, until
/// `takeSuppressed()` begins the next window.
struct ShardEvents {
    private(set) var collected: [ShardEvent] = []
    private var wanted: ShardEvent.Kinds = []
    private var toldOnce: ShardEvent.Kinds = []
    /// Those of `toldOnce` that have been told in this window.
    private var told: ShardEvent.Kinds = []
    /// By raw value of the kind; empty while nothing is wanted.
    private var suppressed: [UInt64] = []

    /// Events of one burst; further ones are counted as suppressed.
    static let maximumCount = 10_000

    var isEmpty: Bool { collected.isEmpty }

    mutating func want(_ kinds: ShardEvent.Kinds, once: ShardEvent.Kinds) {
        wanted = kinds
        toldOnce = once
        suppressed = kinds.isEmpty ? [] : Array(repeating: 0, count: ShardEvent.Kind.allCases.count)
    }

    /// True if an event of this kind is to be collected; one that is wanted and not collected is counted.
    mutating func admits(_ kind: ShardEvent.Kind) -> Bool {
        guard wanted.contains(kind) else { return false }
        if told.contains(kind) || collected.count >= Self.maximumCount {
            suppressed[Int(kind.rawValue)] += 1
            return false
        }
        if toldOnce.contains(kind) { told.insert(kind) }
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
