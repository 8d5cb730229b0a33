@testable import LinkEmulator

/// An emulator with packets that are told apart by a number.
struct Scene: ~Copyable {
    var emulator: Emulator

    static let client = Endpoint(address: 0x0A47_0002, port: 4000)

    struct Arrival: Equatable {
        let side: Emulator.Side
        let number: Int
        let instant: Nanoseconds
        let octets: [UInt8]
    }

    init(seed: UInt64 = 1, nat: NATConfiguration? = nil, packets: Int = 65_536) {
        emulator = Emulator(seed: seed, nat: nat, maximumPacketsUnderWay: packets)
    }

    mutating func say(_ line: String, at now: Nanoseconds = 0) throws {
        if let command = try CommandParser.parse(line) { emulator.perform(command, at: now) }
    }

    /// A packet of a client to the server, or the other way.
    mutating func send(
        _ number: Int,
        from side: Emulator.Side = .client,
        of client: Endpoint = Self.client,
        length: Int = 100,
        at now: Nanoseconds
    ) {
        let payload = Octets.word(UInt32(number)) + Array(repeating: 7, count: length - 32)
        send(
            side == .client
                ? Octets.udp(client, Octets.server, payload: payload)
                : Octets.udp(Octets.server, client, payload: payload),
            from: side,
            at: now
        )
    }

    mutating func send(_ octets: [UInt8], from side: Emulator.Side, at now: Nanoseconds) {
        guard let slot = emulator.pool.take() else { return emulator.receivedWithoutSlot() }
        emulator.pool.withBuffer(slot) { $0.copyBytes(from: octets) }
        emulator.received(Packet(slot: slot, length: octets.count), from: side, at: now)
    }

    /// Everything that is due.
    mutating func arrivals(until now: Nanoseconds = .max) -> [Arrival] {
        var arrivals: [Arrival] = []
        while let delivery = emulator.next(at: now) {
            let octets = emulator.pool.withOctets(of: delivery.packet) { Array($0) }
            emulator.pool.giveBack(delivery.packet.slot)
            let number = octets.count >= 32 ? octets[28..<32].reduce(0) { $0 << 8 | Int($1) } : -1
            arrivals.append(Arrival(side: delivery.side, number: number, instant: delivery.due, octets: octets))
        }
        return arrivals
    }
}

extension Nanoseconds {
    static func milliseconds(_ count: Int) -> Nanoseconds { Nanoseconds(count) * 1_000_000 }
}
