import DequeModule

/// Which shard has the session of which client identifier, for the identifiers whose home the directory's shard is. The claims of
/// one identifier are carried out one after the other, so that take-overs have an order.
struct ClientDirectory {
    private var entries: [UTF8Key: Entry] = [:]
    private let maximumPendingClaims: Int

    private struct Entry {
        var holder: Int?
        /// A claim is being carried out.
        var isBusy = false
        var waiting: Deque<Claim> = []
    }

    enum Decision {
        /// No shard has a session.
        case create(Claim)
        /// Shard `holder` has the session, or had it a moment ago.
        case surrender(Claim, holder: Int)
        case refuse(Claim)
        case wait
    }

    init(maximumPendingClaims: Int) { self.maximumPendingClaims = maximumPendingClaims }

    var count: Int { entries.count }

    mutating func claim(_ claim: Claim) -> Decision {
        var entry = entries[claim.client] ?? Entry()
        defer { entries[claim.client] = entry }
        if entry.isBusy {
            guard entry.waiting.count < maximumPendingClaims else { return .refuse(claim) }
            entry.waiting.append(claim)
            return .wait
        }
        entry.isBusy = true
        return decide(claim, entry)
    }

    /// A claim was carried out; `holder` has the session now, if any shard has. Returns what to do for the next claim.
    mutating func claimDone(_ client: UTF8Key, holder: Int?) -> Decision {
        guard var entry = entries[client], entry.isBusy else { return .wait }
        entry.holder = holder
        let next = entry.waiting.popFirst()
        entry.isBusy = next != nil
        entries[client] = entry.holder == nil && next == nil ? nil : entry
        return next.map { decide($0, entry) } ?? .wait
    }

    /// The session of `holder` has ended. Stale while a claim is carried out: its outcome says who has it then.
    mutating func ended(_ client: UTF8Key, holder: Int) {
        guard let entry = entries[client], !entry.isBusy, entry.holder == holder else { return }
        entries[client] = nil
    }

    private func decide(_ claim: Claim, _ entry: Entry) -> Decision {
        entry.holder.map { .surrender(claim, holder: $0) } ?? .create(claim)
    }
}

/// A CONNECT that asks for the session of its client identifier.
struct Claim: Sendable {
    let client: UTF8Key
    let connection: ConnectionReference
    let cleanStart: Bool
}
