import NIOCore

/// The connections and data streams of a shard, by slot.
struct ConnectionTable: ~Copyable {
    private let shard: ShardReference
    private var slots: [Connection?] = []
    private var freeSlots: [Int] = []
    private var lastNumber: UInt64
    /// Connections, without data streams.
    private(set) var count = 0
    /// Connections whose transport is closed and that are kept until the packets that arrived before are handled.
    private(set) var goneCount = 0

    /// - Parameter lastNumber: the first connection has the next number.
    init(shard: ShardReference, lastNumber: UInt64) {
        self.shard = shard
        self.lastNumber = lastNumber
    }

    /// Slots in use and those that were in use.
    var slotCount: Int { slots.count }

    /// Whether there is neither a connection nor a data stream.
    var isEmpty: Bool { slots.allSatisfy { $0 == nil } }

    /// Adds a connection, or a data stream of the connection `control`.
    mutating func add(_ peer: Peer, control: Connection? = nil, limits: SharedLimits, now: Instant) -> Connection {
        lastNumber += 1
        let slot = freeSlots.popLast() ?? slots.count
        let connection = Connection(
            ConnectionReference(shard: shard, slot: slot, number: lastNumber),
            peer: peer,
            control: control,
            limits: limits,
            now: now
        )
        if slot == slots.count { slots.append(connection) } else { slots[slot] = connection }
        if control == nil { count += 1 }
        return connection
    }

    /// Keeps a connection whose transport is closed, until the packets that arrived before are handled.
    mutating func markGone(_ connection: Connection) {
        connection.isGone = true
        goneCount += 1
    }

    /// Removes a connection or data stream. Returns whether it was there.
    mutating func remove(_ connection: Connection) -> Bool {
        guard slots[connection.slot] === connection else { return false }
        slots[connection.slot] = nil
        freeSlots.append(connection.slot)
        if connection.isGone { goneCount -= 1 }
        if !connection.isDataStream { count -= 1 }
        return true
    }

    /// The connection of a reference; `nil` if it is not there any more.
    subscript(reference: ConnectionReference) -> Connection? {
        guard reference.slot < slots.count, let connection = slots[reference.slot],
            connection.reference.number == reference.number
        else { return nil }
        return connection
    }

    /// What is in a slot, from 0 to `slotCount`.
    subscript(slot slot: Int) -> Connection? { slots[slot] }

    /// The connections, without data streams.
    var all: [Connection] { slots.compactMap { $0?.isDataStream == false ? $0 : nil } }
}
