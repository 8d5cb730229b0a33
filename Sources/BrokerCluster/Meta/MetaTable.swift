package import NIOCore

/// What is known of the meta lane, without IO: the newest record of each key, whatever the order in which changes come.
///
/// Of a record that was removed the revision stays, so that an older change that comes later does not bring it back. These marks count as octets of
/// their names: keys of the configuration are as many as the schema has, tokens have as many places, and only administrators name users and API keys.
package struct MetaTable: Sendable {
    private struct Entry {
        let revision: UInt64
        /// `nil` for a record that was removed.
        let value: ByteBuffer?
    }

    package let limits: MetaLimits
    package var counters = MetaCounters()
    private var entries: [MetaKey: Entry] = [:]
    /// Octets of all names and values.
    package private(set) var octets = 0

    package init(_ limits: MetaLimits = MetaLimits()) { self.limits = limits }

    // MARK: What is known

    /// Records that are there.
    package var count: Int { entries.count { $1.value != nil } }

    /// The records of a kind, in the order of their names.
    package func records(of kind: MetaKind) -> [MetaRecord] {
        entries
            .compactMap { key, entry in
                guard key.kind == kind, let value = entry.value else { return nil }
                return MetaRecord(key: key, value: value, revision: entry.revision)
            }
            .sorted { $0.key.name.lexicographicallyPrecedes($1.key.name) }
    }

    /// The last change of a key, also if it was its removal; 0 if there was none.
    package func revision(of key: MetaKey) -> UInt64 { entries[key]?.revision ?? 0 }

    package func value(of key: MetaKey) -> ByteBuffer? { entries[key]?.value }

    package func record(at key: MetaKey) -> MetaRecord? {
        guard let entry = entries[key], let value = entry.value else { return nil }
        return MetaRecord(key: key, value: value, revision: entry.revision)
    }

    /// Why a record cannot have this value; `nil` if it can.
    package func refusal(of value: ByteBuffer?, at key: MetaKey) -> MetaFailure? {
        if key.name.isEmpty || key.name.count > limits.maximumName { return .nameTooLong(maximum: limits.maximumName) }
        if let value, value.readableBytes > limits.maximumValue { return .valueTooLong(maximum: limits.maximumValue) }
        let octets = octets - self.octets(of: key, entries[key]) + key.name.count + (value?.readableBytes ?? 0)
        return octets > limits.maximumOctets ? .tooMuch(maximum: limits.maximumOctets) : nil
    }

    private func octets(of key: MetaKey, _ entry: Entry?) -> Int {
        entry.map { key.name.count + ($0.value?.readableBytes ?? 0) } ?? 0
    }

    // MARK: What comes

    /// Takes a change. A record beyond a bound counts as removed, so that what was there before it does not matter.
    ///
    /// - Parameter value: `nil` for a removal.
    /// - Returns: true if the key has another value now.
    package mutating func take(_ value: ByteBuffer?, at key: MetaKey, revision: UInt64) -> Bool {
        let known = entries[key]
        guard revision > known?.revision ?? 0 else { return false }
        var value = value
        if refusal(of: value, at: key) != nil {
            counters.refused += 1
            value = nil
            // The mark has no room either, and nobody needs it.
            if refusal(of: nil, at: key) != nil { return forget(key) }
        }
        // A slice pins the whole read buffer.
        let entry = Entry(revision: revision, value: value.map { ByteBuffer(bytes: $0.readableBytesView) })
        octets += octets(of: key, entry) - octets(of: key, known)
        entries[key] = entry
        guard known?.value != entry.value else { return false }
        if value == nil { counters.removals += 1 } else { counters.changes += 1 }
        return true
    }

    private mutating func forget(_ key: MetaKey) -> Bool {
        guard let known = entries.removeValue(forKey: key) else { return false }
        octets -= octets(of: key, known)
        return known.value != nil
    }

    /// A message came that is no record of this version.
    package mutating func passOver(_ reason: MetaSubjects.Unreadable) {
        switch reason {
        case .malformed: counters.malformed += 1
        case .unknownKind: counters.unknown += 1
        }
    }
}
