package import NIOCore

/// Where the shards commit what outlives the process. Octets are opaque to it: batches of lanes, with checksums of their own.
package protocol CommitStore: Sendable {
    /// Reads what earlier runs have committed, in order, one commit at a time. Called before anything else; blocks.
    ///
    /// - Throws: if something cannot be read, a sentence, or what `body` throws.
    func recover(_ body: (ByteBuffer) throws -> Void) throws

    /// Adds a shard, in the order of their indices. `committed` is called on any thread, once for each submission of the shard that
    /// was taken, when that is on disk, with the number of the commit.
    ///
    /// - Throws: if nothing can be written, a sentence.
    func connect(_ committed: @escaping @Sendable (_ number: Int64) -> Void) throws

    /// Hands in what a shard has to commit.
    ///
    /// - Parameters:
    ///   - shard: its index.
    ///   - frees: true if space can be freed after this commit: then it may have the last of the space.
    ///   - mayWait: true if nobody waits for the commit so far.
    /// - Returns: false if nothing was taken, since the disk is full, say: then it is to be handed in again later.
    func submit(_ octets: ByteBuffer, from shard: Int, frees: Bool, mayWait: Bool) -> Bool

    /// Commits below `number` hold nothing any more that a shard needs. What no shard needs is deleted.
    func release(below number: Int64, by shard: Int)

    /// Reports how the store is to the metrics system. Called once an interval.
    func report()

    /// Octets that the store has on disk.
    var octetCount: Int { get }

    /// Writes what was taken, and closes the store. Blocks.
    func close()
}
