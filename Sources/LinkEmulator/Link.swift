import DequeModule
import HeapModule

/// One direction of a link: a queue in front of the wire, and the packets on the wire.
///
/// Whether a packet is lost, duplicated or held back depends only on the seed and the packet's number on this link.
struct Link {
    private(set) var profile = LinkProfile()
    /// True during a cut: packets are lost where they leave the queue.
    var isDown = false
    private(set) var counters = LinkCounters()

    private var queue: Deque<Packet> = []
    private var queuedOctets = 0
    /// The instant at which the first packet of the queue leaves it.
    private var departure: Nanoseconds?
    private var flights = Heap<Flight>()
    private var order: UInt64 = 0
    /// The arrival of the last packet that was not held back.
    private var lastArrival: Nanoseconds = 0
    private var isBad = false

    private var lossDraws: SeededGenerator
    private var burstDraws: SeededGenerator
    private var jitterDraws: SeededGenerator
    private var reorderDraws: SeededGenerator
    private var duplicateDraws: SeededGenerator

    /// - Parameter number: makes the random draws of two links with one seed differ.
    init(seed: UInt64, number: UInt64) {
        func draws(_ purpose: UInt64) -> SeededGenerator { SeededGenerator(seed: seed, purpose: number * 16 + purpose) }
        lossDraws = draws(1)
        burstDraws = draws(2)
        jitterDraws = draws(3)
        reorderDraws = draws(4)
        duplicateDraws = draws(5)
    }

    // MARK: What happens when

    /// The instant at which ``depart(_:)`` is due.
    var nextDeparture: Nanoseconds? { departure }
    /// The instant at which ``arrive()`` is due.
    var nextArrival: Nanoseconds? { flights.min?.due }

    /// A packet enters the link.
    mutating func enter(_ packet: Packet, at now: Nanoseconds, _ pool: inout PacketPool) {
        counters.entered += 1
        counters.enteredOctets += UInt64(packet.length)
        guard let rate = profile.rate else { return fly(packet, at: now, &pool) }
        guard queue.count < profile.queue.packets, queuedOctets + packet.length <= profile.queue.octets else {
            counters.queueDrops += 1
            return pool.giveBack(packet.slot)
        }
        queue.append(packet)
        queuedOctets += packet.length
        counters.queuePeak = max(counters.queuePeak, UInt64(queue.count))
        if departure == nil { departure = now + rate.time(packet.length) }
    }

    /// The first packet of the queue leaves it.
    mutating func depart(_ pool: inout PacketPool) {
        guard let now = departure, let packet = queue.popFirst() else { return }
        queuedOctets -= packet.length
        departure = queue.first.map { now + (profile.rate?.time($0.length) ?? 0) }
        fly(packet, at: now, &pool)
    }

    /// The packet that is due arrives.
    mutating func arrive() -> Packet? {
        guard let flight = flights.popMin() else { return nil }
        counters.arrived += 1
        counters.arrivedOctets += UInt64(flight.packet.length)
        return flight.packet
    }

    /// Changes the profile. Packets in the queue or on the wire keep what was drawn for them; only a new rate applies to the queue at once.
    mutating func change(to profile: LinkProfile, at now: Nanoseconds, _ pool: inout PacketPool) {
        let old = self.profile.rate
        self.profile = profile
        guard profile.rate != old, let first = queue.first else { return }
        guard let rate = profile.rate else {
            // Without a rate there is no queue.
            departure = now
            while departure != nil { depart(&pool) }
            return
        }
        // The rest of the first packet is sent at the new rate.
        let whole = max(old?.time(first.length) ?? 1, 1)
        let left = min(departure.map { $0 > now ? $0 - now : 0 } ?? 0, whole)
        departure = now + UInt64(Double(rate.time(first.length)) * Double(left) / Double(whole))
    }

    // MARK: The wire

    private mutating func fly(_ packet: Packet, at now: Nanoseconds, _ pool: inout PacketPool) {
        // Every draw is made for every packet, so that the draws of later packets do not depend on the outcome for this one.
        let isLost = drawLoss()
        let isDoubled = duplicateDraws.happens(profile.duplication)
        let isHeld = reorderDraws.happens(profile.reordering.probability)
        let jitter = jitterDraws.next(upTo: 2 * profile.jitter)
        if isDown {
            counters.downDrops += 1
            return pool.giveBack(packet.slot)
        }
        if isLost {
            counters.lost += 1
            return pool.giveBack(packet.slot)
        }
        let undelayed = now + profile.delay + jitter
        var due = max(undelayed > profile.jitter ? undelayed - profile.jitter : 0, now)
        if isHeld {
            counters.held += 1
            due += profile.reordering.hold
        } else {
            due = max(due, lastArrival)
            lastArrival = due
        }
        launch(packet, due)
        if isDoubled, let copy = pool.copy(packet.slot) {
            counters.doubled += 1
            launch(Packet(slot: copy, length: packet.length), due)
        }
    }

    private mutating func drawLoss() -> Bool {
        let isLost = lossDraws.happens(profile.loss)
        guard let bursts = profile.bursts else { return isLost }
        let changes = burstDraws.happens(isBad ? bursts.becomesGood : bursts.becomesBad)
        if changes { isBad.toggle() }
        let isLostInBurst = burstDraws.happens(isBad ? bursts.lossWhenBad : bursts.lossWhenGood)
        return isLost || isLostInBurst
    }

    private mutating func launch(_ packet: Packet, _ due: Nanoseconds) {
        order += 1
        flights.insert(Flight(due: due, order: order, packet: packet))
    }

    /// A packet on the wire.
    private struct Flight: Comparable {
        let due: Nanoseconds
        let order: UInt64
        let packet: Packet

        static func < (left: Self, right: Self) -> Bool { (left.due, left.order) < (right.due, right.order) }
        static func == (left: Self, right: Self) -> Bool { left.order == right.order }
    }
}
