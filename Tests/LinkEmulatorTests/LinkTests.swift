import Testing

@testable import LinkEmulator

/// What a link does to packets, one effect at a time.
@Suite struct LinkTests {
    @Test("Delay is each direction's own") func delay() throws {
        var scene = Scene()
        try scene.say("set to-server delay 25ms")
        try scene.say("set to-client delay 40ms")
        scene.send(1, at: 5)
        scene.send(2, from: .server, at: 6)
        #expect(scene.emulator.nextInstant == .milliseconds(25) + 5)
        #expect(scene.arrivals(until: .milliseconds(25) + 4).isEmpty)
        let arrivals = scene.arrivals()
        #expect(arrivals.map(\.number) == [1, 2])
        #expect(arrivals.map(\.instant) == [.milliseconds(25) + 5, .milliseconds(40) + 6])
        #expect(arrivals.map(\.side) == [.server, .client])
        #expect(scene.emulator.pool.inUse == 0)
    }

    @Test("Jitter spreads the delay to both sides and keeps the order") func jitter() throws {
        var scene = Scene()
        try scene.say("set delay 20ms jitter 10ms")
        for number in 0..<2000 { scene.send(number, at: .milliseconds(number * 30)) }
        let arrivals = scene.arrivals()
        #expect(arrivals.map(\.number) == Array(0..<2000))
        let delays = arrivals.map { $0.instant - .milliseconds($0.number * 30) }
        #expect(delays.allSatisfy { (.milliseconds(10) ... .milliseconds(30)).contains($0) })
        #expect(delays.contains { $0 < .milliseconds(11) } && delays.contains { $0 > .milliseconds(29) })
        for number in 2000..<4000 { scene.send(number, at: .milliseconds(60_000) + UInt64(number)) }
        #expect(scene.arrivals().map(\.number) == Array(2000..<4000))
    }

    @Test("The share of lost packets is what was asked for", arguments: [0.0, 0.01, 0.05, 0.5, 1.0])
    func loss(share: Double) throws {
        var scene = Scene()
        try scene.say("set loss \(share)")
        let count = 20_000
        for number in 0..<count { scene.send(number, at: UInt64(number)) }
        let lost = Double(count - scene.arrivals().count) / Double(count)
        #expect(abs(lost - share) < 0.01)
        #expect(scene.emulator.counters.toServer.lost == UInt64((lost * Double(count)).rounded()))
    }

    @Test("Losses of Gilbert and Elliott come in bursts") func bursts() throws {
        var scene = Scene()
        try scene.say("set burst 1% 25%")
        let count = 40_000
        for number in 0..<count { scene.send(number, at: UInt64(number)) }
        let arrived = Set(scene.arrivals().map(\.number))
        var lengths: [Int] = []
        var length = 0
        for number in 0..<count {
            if !arrived.contains(number) {
                length += 1
            } else if length > 0 {
                lengths.append(length)
                length = 0
            }
        }
        // p / (p + r) are lost, 1 / r in a row.
        let share = Double(count - arrived.count) / Double(count)
        #expect(abs(share - 0.01 / 0.26) < 0.01)
        let mean = Double(lengths.reduce(0, +)) / Double(lengths.count)
        #expect(abs(mean - 4) < 0.6)
    }

    @Test("A packet that is held back is overtaken") func reordering() throws {
        var scene = Scene()
        try scene.say("set delay 10ms reorder 10% 5ms")
        for number in 0..<1000 { scene.send(number, at: .milliseconds(number)) }
        let arrivals = scene.arrivals()
        #expect(arrivals.count == 1000)
        let held = arrivals.filter { $0.instant == .milliseconds($0.number + 15) }
        #expect(UInt64(held.count) == scene.emulator.counters.toServer.held)
        #expect((60...140).contains(held.count))
        #expect(arrivals.map(\.number) != Array(0..<1000))
    }

    @Test("Doubled packets arrive twice") func duplication() throws {
        var scene = Scene()
        try scene.say("set duplicate 20%")
        for number in 0..<1000 { scene.send(number, at: UInt64(number)) }
        let numbers = scene.arrivals().map(\.number)
        #expect(Set(numbers) == Set(0..<1000))
        #expect(numbers.count - 1000 == Int(scene.emulator.counters.toServer.doubled))
        #expect((130...270).contains(numbers.count - 1000))
        #expect(scene.emulator.pool.inUse == 0)
    }

    @Test("A rate spaces packets by their length, or by their number") func rate() throws {
        var scene = Scene()
        try scene.say("set to-server rate 8mbit")
        for number in 0..<3 { scene.send(number, length: 1000, at: 0) }
        #expect(scene.arrivals().map(\.instant) == [.milliseconds(1), .milliseconds(2), .milliseconds(3)])
        try scene.say("set to-client rate 100pps", at: .milliseconds(5))
        scene.send(7, from: .server, length: 40, at: .milliseconds(5))
        scene.send(8, from: .server, length: 1400, at: .milliseconds(5))
        #expect(scene.arrivals().map(\.instant) == [.milliseconds(15), .milliseconds(25)])
    }

    @Test("The queue is bounded in packets and in octets") func queue() throws {
        var scene = Scene()
        try scene.say("set rate 8mbit queue 3")
        for number in 0..<5 { scene.send(number, length: 1000, at: 0) }
        #expect(scene.arrivals().map(\.number) == [0, 1, 2])
        #expect(scene.emulator.counters.toServer.queueDrops == 2)
        #expect(scene.emulator.counters.toServer.queuePeak == 3)
        try scene.say("set queue 100 queue 2kB", at: .milliseconds(10))
        for number in 0..<5 { scene.send(number, length: 1000, at: .milliseconds(10)) }
        #expect(scene.arrivals().map(\.number) == [0, 1])
        #expect(scene.emulator.counters.toServer.queueDrops == 5)
    }

    @Test("A new rate holds for what is not yet on the wire") func rateChange() throws {
        var scene = Scene()
        try scene.say("set to-server rate 8mbit")
        try scene.say("at 500us set to-server rate 80kbit")
        for number in 0..<2 { scene.send(number, length: 1000, at: 0) }
        // Half of the first at a thousand octets a millisecond, half at ten; then the second.
        #expect(scene.arrivals().map(\.instant) == [500_000 + .milliseconds(50), 500_000 + .milliseconds(150)])
        scene.send(2, length: 1000, at: .milliseconds(200))
        scene.send(3, length: 1000, at: .milliseconds(200))
        try scene.say("set rate none", at: .milliseconds(201))
        #expect(scene.arrivals().map(\.instant) == [.milliseconds(201), .milliseconds(201)])
    }

    @Test("Nothing passes a cut, and what was on its way arrives") func cut() throws {
        var scene = Scene()
        try scene.say("set delay 10ms")
        try scene.say("at 5ms cut 3ms")
        for number in 0..<10 {
            scene.send(number, at: .milliseconds(number))
            _ = scene.arrivals(until: .milliseconds(number))
        }
        let counters = scene.emulator.counters.toServer
        #expect(scene.arrivals().count == 7)
        #expect(counters.downDrops == 3)
        try scene.say("cut", at: .milliseconds(100))
        scene.send(10, at: .milliseconds(5000))
        #expect(scene.arrivals().isEmpty)
        try scene.say("mend", at: .milliseconds(6000))
        scene.send(11, at: .milliseconds(6000))
        #expect(scene.arrivals().map(\.number) == [11])
    }

    @Test("What is no IPv4, or one packet too many, is dropped and counted") func dropped() throws {
        var scene = Scene(packets: 4)
        try scene.say("set delay 1s")
        var six = Octets.udp(Scene.client, Octets.server)
        six[0] = 0x60
        scene.send(six, from: .client, at: 0)
        scene.send([0x45, 0, 0], from: .server, at: 0)
        for number in 0..<6 { scene.send(number, at: 0) }
        #expect(scene.arrivals().count == 4)
        #expect(scene.emulator.counters.notIPv4 == 2)
        #expect(scene.emulator.counters.poolDrops == 2)
    }
}
