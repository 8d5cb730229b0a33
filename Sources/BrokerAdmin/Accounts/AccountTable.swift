import BrokerCluster
import NIOCore

/// The records of one kind, with what was read of them. Records that this version cannot read are passed over.
final class AccountTable<Value: AccountRecord> {
    struct Entry {
        let name: String
        let value: Value
        let revision: UInt64
    }

    private let store: any MetaStore
    private let attempts: Int
    private let maximum: Int
    /// What was read, by its revision, since JSON takes longer than the rest of a request.
    private var known: [MetaKey: (revision: UInt64, value: Value?)] = [:]

    /// - Parameter maximum: of the records that are remembered.
    init(_ store: any MetaStore, maximum: Int, attempts: Int) {
        self.store = store
        self.maximum = maximum
        self.attempts = attempts
    }

    // MARK: Reading

    func entry(_ name: String) async -> Entry? {
        await store.record(at: MetaKey(Value.kind, name)).flatMap(read)
    }

    /// All records that can be read, in the order of their names.
    func entries() async -> [Entry] { await store.records(of: Value.kind).compactMap(read) }

    /// The names of all records, also of such as cannot be read.
    func names() async -> Set<String> { Set(await store.records(of: Value.kind).map(\.key.text)) }

    private func read(_ record: MetaRecord) -> Entry? {
        let value: Value?
        if let known = known[record.key], known.revision == record.revision {
            value = known.value
        } else {
            value = try? StatusJSON.read(Value.self, from: record.value)
            if known.count >= maximum { known = [:] }
            known[record.key] = (record.revision, value)
        }
        return value.map { Entry(name: record.key.text, value: $0, revision: record.revision) }
    }

    // MARK: Writing

    /// Makes a record.
    ///
    /// - Returns: its revision; `nil` if there is one already, of this node or of another that was quicker.
    func create(_ value: Value, as name: String) async throws(AccountRefusal) -> UInt64? {
        let key = MetaKey(Value.kind, name)
        var expected: UInt64 = 0
        for _ in 0..<attempts {
            if await store.record(at: key) != nil { return nil }
            switch await write(value, at: key, expecting: expected) {
            case .success(let revision): return revision
            // Of a record that was removed, unless there is one now.
            case .failure(.conflict(let revision)): expected = revision
            case .failure(let failure): throw AccountRefusal(failure)
            }
        }
        throw AccountRefusal(.conflict)
    }

    /// Replaces a record, or removes it.
    ///
    /// - Returns: its new revision; `nil` if somebody else has changed it meanwhile.
    func replace(_ entry: Entry, by value: Value?) async throws(AccountRefusal) -> UInt64? {
        switch await write(value, at: MetaKey(Value.kind, entry.name), expecting: entry.revision) {
        case .success(let revision): return revision
        case .failure(.conflict): return nil
        case .failure(let failure): throw AccountRefusal(failure)
        }
    }

    /// Changes a record, again if somebody else has changed it meanwhile.
    ///
    /// - Parameter body: the new value; `nil` removes the record.
    /// - Returns: false if there is none.
    func change(
        _ name: String,
        _ body: (Value) throws(AccountRefusal) -> Value?
    ) async throws(AccountRefusal) -> Bool {
        for _ in 0..<attempts {
            guard let entry = await entry(name) else { return false }
            let value = try body(entry.value)
            if value == entry.value { return true }
            if try await replace(entry, by: value) != nil { return true }
        }
        throw AccountRefusal(.conflict)
    }

    /// Makes a record, or replaces whatever there is.
    ///
    /// - Returns: its revision.
    func put(_ value: Value, as name: String) async throws(AccountRefusal) -> UInt64 {
        let key = MetaKey(Value.kind, name)
        var expected = await store.record(at: key)?.revision ?? 0
        for _ in 0..<attempts {
            switch await write(value, at: key, expecting: expected) {
            case .success(let revision): return revision
            case .failure(.conflict(let revision)): expected = revision
            case .failure(let failure): throw AccountRefusal(failure)
            }
        }
        throw AccountRefusal(.conflict)
    }

    private func write(
        _ value: Value?,
        at key: MetaKey,
        expecting revision: UInt64
    ) async -> Result<UInt64, MetaFailure> {
        do {
            let json = try value.map { ByteBuffer(bytes: try StatusJSON.write($0)) }
            return .success(try await store.write(json, at: key, expecting: revision))
        } catch let failure as MetaFailure {
            return .failure(failure)
        } catch {
            return .failure(.refused(reason: "the record cannot be written"))
        }
    }
}
