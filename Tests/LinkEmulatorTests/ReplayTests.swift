import Testing

@testable import LinkEmulator

/// The same seed, packets and commands give the same arrivals, however often and late the caller looks.
@Suite struct ReplayTests {
    private static let script = [
        "set delay 15ms jitter 4ms loss 3% burst 1% 20% 90% 1% reorder 2% 8ms duplicate 1% rate 4mbit queue 20",
        "every 70ms rebind all port",
        "at 130ms rebind all both",
        "at 200ms cut 40ms",
        "at 300ms set to-client rate 500kbit",
        "at 400ms expire all",
    ]

    /// - Parameter step: how often the caller looks.
    private func run(seed: UInt64, hasNAT: Bool, step: Nanoseconds = 1) throws -> ([Scene.Arrival], EmulatorCounters) {
        let nat = NATConfiguration(addresses: [0x0A49_0001, 0x0A49_0002, 0x0A49_0003])
        var scene = Scene(seed: seed, nat: hasNAT ? nat : nil)
        for line in Self.script { try scene.say(line) }
        var draws = SeededGenerator(seed: seed, purpose: 99)
        var arrivals: [Scene.Arrival] = []
        var peer = Scene.client
        var now: Nanoseconds = 0
        var looked: Nanoseconds = 0
        for number in 0..<1500 {
            now += draws.next(upTo: 700_000)
            let client = Endpoint(address: 0x0A47_0002 + UInt32(draws.next(upTo: 9)), port: 4000)
            if now - looked >= step {
                arrivals += scene.arrivals(until: now)
                looked = now
            }
            if draws.next(upTo: 2) > 0 {
                scene.send(number, of: client, length: 40 + Int(draws.next(upTo: 1300)), at: now)
            } else {
                // Through a NAT the server answers to where it last heard from.
                if hasNAT, let last = arrivals.last(where: { $0.side == .server }) { peer = Octets.source(last.octets) }
                scene.send(number, from: .server, of: peer, length: 400, at: now)
            }
        }
        arrivals += scene.arrivals(until: now + .milliseconds(2000))
        #expect(scene.emulator.pool.inUse == 0)
        return (arrivals, scene.emulator.counters)
    }

    @Test(arguments: [1, 2, 77, .max] as [UInt64], [false, true]) func sameAgain(seed: UInt64, hasNAT: Bool) throws {
        let first = try run(seed: seed, hasNAT: hasNAT)
        let second = try run(seed: seed, hasNAT: hasNAT)
        let isSame = first.0 == second.0
        #expect(isSame)
        #expect(first.1 == second.1)
        #expect(first.0.count > 300)
        for arrival in first.0 { #expect(Octets.hasRightSums(arrival.octets)) }
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func howeverLateTheCallerLooks(seed: UInt64) throws {
        let first = try run(seed: seed, hasNAT: false)
        let late = try run(seed: seed, hasNAT: false, step: .milliseconds(9))
        let isSame = first.0 == late.0
        #expect(isSame)
        #expect(first.1 == late.1)
    }

    @Test func anotherSeedIsAnotherLink() throws {
        let isSame = try run(seed: 1, hasNAT: true).0 == run(seed: 2, hasNAT: true).0
        #expect(!isSame)
    }

    @Test("Every packet is accounted for", arguments: [3, 4, 5] as [UInt64]) func accounts(seed: UInt64) throws {
        let counters = try run(seed: seed, hasNAT: true).1
        for link in [counters.toServer, counters.toClient] {
            #expect(link.entered + link.doubled == link.arrived + link.lost + link.queueDrops + link.downDrops)
            #expect(link.lost > 0 && link.entered > 100)
        }
        let nat = try #require(counters.nat)
        #expect(nat.rebound > 0 && nat.expired > 0 && nat.unmatched > 0)
    }

    @Test("Which packets are lost depends on their number alone") func lossByNumber() throws {
        func lost(_ setting: String, spacing: Nanoseconds) throws -> Set<Int> {
            var scene = Scene(seed: 5)
            try scene.say("set loss 5% \(setting)")
            for number in 0..<3000 { scene.send(number, at: UInt64(number) * spacing) }
            return Set(0..<3000).subtracting(scene.arrivals().map(\.number))
        }
        let plain = try lost("delay 0ms", spacing: 1)
        #expect(try lost("delay 50ms jitter 20ms duplicate 5% reorder 5% 3ms", spacing: 1000) == plain)
        #expect(plain.count > 100)
    }
}
