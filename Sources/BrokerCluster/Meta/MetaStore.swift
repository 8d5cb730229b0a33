package import NIOCore

/// Where the records of the meta lane are kept: in JetStream, or in a file of a node by itself.
package protocol MetaStore: Sendable {
    /// All records of a kind, in the order of their names.
    func records(of kind: MetaKind) async -> [MetaRecord]

    /// Changes a record if its revision is still the expected one.
    ///
    /// - Parameters:
    ///   - value: `nil` removes the record.
    ///   - revision: of the record as whoever changes it has seen it, 0 for none; `nil` for that which this node knows.
    /// - Returns: the revision that the change has, once it is on disk.
    /// - Throws: `MetaFailure`.
    func write(_ value: ByteBuffer?, at key: MetaKey, expecting revision: UInt64?) async throws -> UInt64
}
