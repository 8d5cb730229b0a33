package import NIOCore

/// Where the records of the meta lane are kept: in JetStream, or in a file of a node by itself.
package protocol MetaStore: Sendable {
    /// All records of a kind, in the order of their names.
    func records(of kind: MetaKind) async -> [MetaRecord]

    /// One record, without a look at the others.
    func record(at key: MetaKey) async -> MetaRecord?

    /// Changes a record if its revision is still the expected one.
    ///
    /// - Parameters:
    ///   - value: `nil` removes the record.
    ///   - revision: of the record as whoever changes it has seen it, 0 for none; `nil` for that which this node knows. A record that was removed may
    ///     have the revision of its removal: `MetaFailure.conflict` tells it.
    /// - Returns: the revision that the change has, once it is on disk.
    /// - Throws: `MetaFailure`.
    func write(_ value: ByteBuffer?, at key: MetaKey, expecting revision: UInt64?) async throws -> UInt64
}

extension MetaStore {
    package func record(at key: MetaKey) async -> MetaRecord? {
        await records(of: key.kind).first { $0.key == key }
    }
}
