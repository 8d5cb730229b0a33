package import MQTTBroker
package import NIOCore

/// Where the shards commit what outlives the process. Octets are opaque to it: batches of lanes, with checksums of their own.
package protocol CommitStore: Sendable {
    /// Reads what earlier runs have committed, in order, one commit at a time. Called before anything else; blocks.
    ///
    /// - Throws: if something cannot be read, a sentence, or what `body` throws.
    func recover(_ body: (ByteBuffer) throws -> Void) throws

    /// Adds a shard, in the order of their indices. `tell` is called on any thread.
    ///
    /// - Throws: if nothing can be written, a sentence.
    func connect(_ tell: @escaping @Sendable (CommitStoreEvent) -> Void) throws

    /// Why only what frees space is taken just now; `nil` if everything is, or will be in a moment.
    var suspension: Suspension? { get }

    /// Hands in what a shard has to commit.
    ///
    /// - Parameter shard: its index.
    /// - Returns: false if nothing was taken, since the disk is full, say: then it is to be handed in again later.
    func submit(_ commit: ShardCommit, from shard: Int) -> Bool

    /// Reads a segment of a queue that is committed; `nil` if there is none of the number. Blocks.
    ///
    /// - Throws: if it cannot be read just now, a sentence.
    func segment(_ number: UInt64) throws -> ByteBuffer?

    /// Deletes the segments that no shard needs. Called after all shards are restored, and before they are connected; blocks.
    ///
    /// - Throws: if nothing can be written, a sentence.
    func removeSegments(except needed: Set<UInt64>) throws

    /// Commits below `number` hold nothing any more that a shard needs. What no shard needs is deleted.
    func release(below number: Int64, by shard: Int)

    /// How long a message waits at most for acknowledgements that make its commit needless.
    var maximumDelay: TimeAmount { get }

    /// Reports how the store is to the metrics system. Called once an interval.
    func report()

    /// Octets that the store has on disk.
    var octetCount: Int { get }

    /// Octets that can still be written, about.
    var room: Int { get }

    /// Writes what was taken, and closes the store. Blocks.
    func close()
}
