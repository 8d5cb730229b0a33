import BrokerCluster
import NIOConcurrencyHelpers
import NIOCore

/// The records of a cluster in memory: several `Accounts` on one of it are several nodes.
final class MemoryMeta: MetaStore {
    private let state = NIOLockedValueBox(State())

    private struct State {
        var table = MetaTable()
        var revision: UInt64 = 0
        var writes = 0
        var failure: MetaFailure?
        var beforeWrite: (@Sendable () async -> Void)?
    }

    /// Changes that were asked for.
    var writes: Int { state.withLockedValue { $0.writes } }

    /// What every change fails with; `nil` if none does.
    func fail(_ failure: MetaFailure?) { state.withLockedValue { $0.failure = failure } }

    /// Lets something happen before the next change, as if another node were quicker.
    func beforeNextWrite(_ body: @escaping @Sendable () async -> Void) {
        state.withLockedValue { $0.beforeWrite = body }
    }

    /// All that is stored, as text.
    func text(of kind: MetaKind) async -> String {
        await records(of: kind).map { $0.key.text + " " + String(buffer: $0.value) }.joined(separator: "\n")
    }

    func put(_ text: String, at key: MetaKey) async throws {
        _ = try await write(ByteBuffer(string: text), at: key, expecting: nil)
    }

    func records(of kind: MetaKind) async -> [MetaRecord] { state.withLockedValue { $0.table.records(of: kind) } }

    func record(at key: MetaKey) async -> MetaRecord? { state.withLockedValue { $0.table.record(at: key) } }

    func write(_ value: ByteBuffer?, at key: MetaKey, expecting revision: UInt64?) async throws -> UInt64 {
        let before = state.withLockedValue { state in
            defer { state.beforeWrite = nil }
            return state.beforeWrite
        }
        await before?()
        return try state.withLockedValue { state in
            state.writes += 1
            if let failure = state.failure { throw failure }
            if let refusal = state.table.refusal(of: value, at: key) { throw refusal }
            let known = state.table.revision(of: key)
            guard (revision ?? known) == known else { throw MetaFailure.conflict(revision: known) }
            state.revision += 1
            _ = state.table.take(value, at: key, revision: state.revision)
            return state.revision
        }
    }
}
