import DequeModule
import MQTTCodec
import NIOCore

/// What a shard leaves behind for the shell, or for itself, to carry out.
struct Effects: ~Copyable {
    private let shard: ShardReference
    private var dirty: [Connection] = []
    /// Deputies with something to send, or that have ended.
    private var dirtyDeputies: Deque<Connection> = []
    /// Empty output buffers, for reuse.
    private var buffers: [ByteBuffer] = []
    private var handOver: HandOver
    /// Messages of the shard to itself.
    private var local: Deque<ShardMessage> = []
    var events = ShardEvents()
    /// The numbers of the segments of queues that the store is to be asked for.
    var fetches: [UInt64] = []

    /// Octets of a fresh output buffer, and of the largest and number of those that are kept for reuse.
    private static let bufferCapacity = 2048
    private static let keptBufferCapacity = 262_144
    private static let keptBuffers = 64

    /// - Parameter count: shards of the node.
    init(shard: ShardReference, count: Int) {
        self.shard = shard
        handOver = HandOver(node: shard.node, count: count)
    }

    /// True if there is anything for the shell to carry out.
    var isPresent: Bool {
        !dirty.isEmpty || !dirtyDeputies.isEmpty || !handOver.isEmpty || !events.isEmpty || !fetches.isEmpty
    }

    /// True if deputies have something to send, or have ended.
    var hasDirtyDeputies: Bool { !dirtyDeputies.isEmpty }

    // MARK: - Output

    /// The connection has something to write, or is to be closed.
    mutating func markDirty(_ connection: Connection) {
        if connection.outbound.isDirty { return }
        connection.outbound.isDirty = true
        connection.outbound.output.buffer = takeBuffer()
        if connection.isDeputy { dirtyDeputies.append(connection) } else { dirty.append(connection) }
    }

    mutating func popDirtyDeputy() -> Connection? { dirtyDeputies.popFirst() }

    /// Takes the dirty connections, each once, and leaves an empty array in their place.
    mutating func swapDirty(with taken: inout [Connection]) {
        taken.removeAll(keepingCapacity: true)
        swap(&dirty, &taken)
    }

    /// An empty buffer for output.
    mutating func takeBuffer() -> ByteBuffer {
        buffers.popLast() ?? ByteBufferAllocator().buffer(capacity: Self.bufferCapacity)
    }

    /// Gives a buffer back that was written out.
    mutating func recycle(_ buffer: consuming ByteBuffer) {
        guard buffers.count < Self.keptBuffers, buffer.capacity <= Self.keptBufferCapacity else { return }
        buffer.clear()
        buffers.append(buffer)
    }

    // MARK: - Messages

    /// Sends a message to a shard. What the shard sends to itself is for `popLocal`.
    mutating func send(_ body: consuming ShardMessage.Body, to destination: ShardReference) {
        let message = ShardMessage(body)
        if destination != shard {
            handOver.append(message, for: destination)
        } else {
            local.append(message)
        }
    }

    /// The next message that the shard has sent to itself.
    mutating func popLocal() -> ShardMessage? { local.popFirst() }

    /// Passes a packet of a connection on to the home of its session.
    ///
    /// - Parameter write: appends the octets of the packet.
    mutating func passOn(
        isLast: Bool,
        of reference: ConnectionReference,
        to home: ShardReference,
        _ write: (inout ByteBuffer) -> Int
    ) {
        if home != shard {
            handOver.append(isLast: isLast, of: reference, for: home, write)
        } else {
            var octets = ByteBuffer()
            _ = write(&octets)
            local.append(ShardMessage(.toHome(reference, .packets(octets, isLast: isLast))))
        }
    }

    /// Drops the application messages for the shards of another node.
    mutating func dropRetold(forNode node: UInt8) { handOver.dropRetold(forNode: node) }

    /// Exchanges what the other shards are to be told for an empty hand-over. Returns whether there is anything.
    mutating func swapHandOver(with taken: inout HandOver) -> Bool {
        if handOver.isEmpty { return false }
        swap(&handOver, &taken)
        return true
    }
}
