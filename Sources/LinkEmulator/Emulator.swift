import DequeModule

/// An emulated link between clients and a server that loses, delays and reorders packets as commands say. A seed replays a run.
///
/// An emulator does no IO and reads no clock: packets and instants go in, packets come out when they are due. Events happen
/// in the order of their instants, even if the caller asks late.
package struct Emulator: ~Copyable {
    /// An end of the link: that of the clients, or that of the server.
    package enum Side: Sendable { case client, server }

    /// A packet that is due on a side. The caller writes the packet there and gives its slot back to the pool.
    package struct Delivery: Sendable {
        package let side: Side
        package let packet: Packet
        package let due: Nanoseconds
    }

    /// An event for the caller.
    package enum Event: Sendable, Equatable {
        case nat(NATNews)
        case report
        case quit
    }

    package var pool: PacketPool
    private var toServer: Link
    private var toClient: Link
    private var nat: NAT?
    private var schedule = Schedule()
    /// The instant at which a cut with a duration ends.
    private var mending: Nanoseconds?
    private var events: [Event] = []
    /// Packets that left the link and were not asked for yet; at most as many as the pool has slots.
    private var ready: Deque<Delivery> = []
    private var notIPv4: UInt64 = 0
    private var poolDrops: UInt64 = 0

    /// - Parameters:
    ///   - nat: nil if the server sees the clients' own addresses.
    ///   - packetSize: octets of the largest packet.
    package init(
        seed: UInt64,
        nat: NATConfiguration? = nil,
        packetSize: Int = 1500,
        maximumPacketsUnderWay: Int = 65_536
    ) {
        pool = PacketPool(packetSize: packetSize, capacity: maximumPacketsUnderWay)
        toServer = Link(seed: seed, number: 0)
        toClient = Link(seed: seed, number: 1)
        self.nat = nat.map { NAT($0, seed: seed) }
    }

    // MARK: Packets

    /// Takes a packet that a side has sent.
    package mutating func received(_ packet: Packet, from side: Side, at now: Nanoseconds) {
        let isValid = pool.withOctets(of: packet) { IPv4View($0) != nil }
        guard isValid else {
            notIPv4 += 1
            return pool.giveBack(packet.slot)
        }
        catchUp(with: now)
        switch side {
        case .client:
            guard translate(packet, outwards: true, at: now) else { return pool.giveBack(packet.slot) }
            toServer.enter(packet, at: now, &pool)
        case .server:
            toClient.enter(packet, at: now, &pool)
        }
    }

    /// Counts a packet for which the pool had no slot.
    package mutating func receivedWithoutSlot() { poolDrops += 1 }

    /// Performs all that is due.
    ///
    /// - Returns: the first packet that has left the link; nil if there is none.
    package mutating func next(at now: Nanoseconds) -> Delivery? {
        while ready.isEmpty, let (instant, what) = first, instant <= now { happen(what, at: instant) }
        return ready.popFirst()
    }

    /// Performs what was due before an event of this instant, such as a packet or a command.
    private mutating func catchUp(with now: Nanoseconds) {
        while let (instant, what) = first, instant <= now { happen(what, at: instant) }
    }

    private mutating func happen(_ what: Happening, at instant: Nanoseconds) {
        switch what {
        case .command:
            if let command = schedule.take() { carryOut(command, at: instant) }
        case .mending: cut(false, until: nil)
        case .departureToServer: toServer.depart(&pool)
        case .departureToClient: toClient.depart(&pool)
        case .arrivalAtServer:
            if let packet = toServer.arrive() { ready.append(Delivery(side: .server, packet: packet, due: instant)) }
        case .arrivalAtClient:
            guard let packet = toClient.arrive() else { return }
            // The NAT is on the clients' side of the link: its bindings at the packet's arrival decide.
            if translate(packet, outwards: false, at: instant) {
                ready.append(Delivery(side: .client, packet: packet, due: instant))
            } else {
                pool.giveBack(packet.slot)
            }
        }
    }

    /// The next instant at which ``next(at:)`` has something to do.
    package var nextInstant: Nanoseconds? { ready.first?.due ?? first?.0 }

    /// What happens in the emulator at an instant.
    private enum Happening {
        case command, mending, departureToServer, departureToClient, arrivalAtServer, arrivalAtClient
    }

    private var first: (Nanoseconds, Happening)? {
        var first: (Nanoseconds, Happening)?
        func consider(_ instant: Nanoseconds?, _ what: Happening) {
            if let instant, first.map({ instant < $0.0 }) ?? true { first = (instant, what) }
        }
        consider(schedule.next, .command)
        consider(mending, .mending)
        consider(toServer.nextDeparture, .departureToServer)
        consider(toClient.nextDeparture, .departureToClient)
        consider(toServer.nextArrival, .arrivalAtServer)
        consider(toClient.nextArrival, .arrivalAtClient)
        return first
    }

    private mutating func translate(_ packet: Packet, outwards: Bool, at now: Nanoseconds) -> Bool {
        Self.translate(packet, by: &nat, in: &pool, outwards: outwards, at: now)
    }

    private static func translate(
        _ packet: Packet,
        by nat: inout NAT?,
        in pool: inout PacketPool,
        outwards: Bool,
        at now: Nanoseconds
    ) -> Bool {
        guard nat != nil else { return true }
        return pool.withOctets(of: packet) { octets in
            guard let view = IPv4View(octets) else { return false }
            let isKnown =
                outwards ? nat?.translateOutwards(view, at: now) : nat?.translateInwards(view, at: now)
            return isKnown ?? true
        }
    }

    // MARK: Commands

    package mutating func perform(_ command: Command, at now: Nanoseconds) {
        catchUp(with: now)
        carryOut(command, at: now)
    }

    private mutating func carryOut(_ command: Command, at now: Nanoseconds) {
        switch command {
        case .set(let direction, let settings):
            if direction != .toClient { Self.change(&toServer, settings, at: now, &pool) }
            if direction != .toServer { Self.change(&toClient, settings, at: now, &pool) }
        case .cut(let time): cut(true, until: time.map { now + $0 })
        case .mend: cut(false, until: nil)
        case .rebind(let scope, let change): nat?.rebind(scope, change)
        case .expire(let scope): nat?.expire(scope)
        case .after(let time, let command): schedule.add(command, at: now + time)
        case .every(let interval, let command): schedule.add(command, at: now + interval, every: interval)
        case .report: events.append(.report)
        case .quit: events.append(.quit)
        }
    }

    private static func change(
        _ link: inout Link,
        _ settings: [Command.Setting],
        at now: Nanoseconds,
        _ pool: inout PacketPool
    ) {
        var profile = link.profile
        for setting in settings { profile.apply(setting) }
        link.change(to: profile, at: now, &pool)
    }

    private mutating func cut(_ isDown: Bool, until end: Nanoseconds?) {
        toServer.isDown = isDown
        toClient.isDown = isDown
        mending = end
    }

    // MARK: Reports

    /// Takes the events since the last call.
    package mutating func takeEvents() -> [Event] {
        let news = nat?.takeNews() ?? []
        guard !news.isEmpty || !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return news.map { .nat($0) } + events
    }

    package var counters: EmulatorCounters {
        EmulatorCounters(
            toServer: toServer.counters,
            toClient: toClient.counters,
            nat: nat?.counters,
            notIPv4: notIPv4,
            poolDrops: poolDrops
        )
    }
}
