/// The buffers of the packets under way, of one size and reused.
package struct PacketPool: ~Copyable {
    /// The number of a buffer.
    package typealias Slot = Int32

    /// Octets of the largest packet.
    package let packetSize: Int
    private let capacity: Int
    private var buffers: [[UInt8]] = []
    private var free: [Slot] = []

    /// - Parameter capacity: the largest number of packets under way; further ones are lost.
    package init(packetSize: Int, capacity: Int) {
        self.packetSize = packetSize
        self.capacity = capacity
    }

    /// A free buffer; nil if there is none.
    package mutating func take() -> Slot? {
        if let slot = free.popLast() { return slot }
        guard buffers.count < capacity else { return nil }
        buffers.append([UInt8](repeating: 0, count: packetSize))
        return Slot(buffers.count - 1)
    }

    package mutating func giveBack(_ slot: Slot) { free.append(slot) }

    /// Another buffer with the same octets.
    mutating func copy(_ slot: Slot) -> Slot? {
        guard let copy = take() else { return nil }
        buffers[Int(copy)] = buffers[Int(slot)]
        return copy
    }

    /// Calls `body` with the whole buffer, to be filled.
    package mutating func withBuffer<Result>(
        _ slot: Slot,
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try buffers[Int(slot)].withUnsafeMutableBytes(body)
    }

    /// The octets of a packet.
    package mutating func withOctets<Result>(
        of packet: Packet,
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try withBuffer(packet.slot) { try body(UnsafeMutableRawBufferPointer(rebasing: $0[..<packet.length])) }
    }

    /// The number of packets under way.
    package var inUse: Int { buffers.count - free.count }
}

/// A packet in the pool.
package struct Packet: Sendable, Equatable {
    package let slot: PacketPool.Slot
    /// Octets, header included.
    package let length: Int

    package init(slot: PacketPool.Slot, length: Int) {
        self.slot = slot
        self.length = length
    }
}
