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
    /// - Parameters:
    ///   - shard: its index.
    ///   - frees: true if space can be freed after this commit: then it may have the last of the space.
    /// - Returns: false if nothing was taken, since the disk is full, say: then it is to be handed in again later.
    func submit(_ octets: ByteBuffer, from shard: Int, frees: Bool) -> Bool

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
