import Testing

@testable import LinkEmulator

@Suite struct NATTests {
    private static let first: UInt32 = 0x0A49_0001
    private static let second: UInt32 = 0x0A49_0002

    private func scene(timeout: Nanoseconds = .milliseconds(1000)) throws -> Scene {
        var configuration = try #require(NATConfiguration(addresses: [Self.first, Self.second]))
        configuration.timeoutUDP = timeout
        configuration.timeoutTCP = 10 * timeout
        return Scene(nat: configuration)
    }

    /// What the server sees of a client's packet.
    private func outside(_ scene: inout Scene, _ octets: [UInt8], at now: Nanoseconds) throws -> [UInt8] {
        scene.send(octets, from: .client, at: now)
        let arrivals = scene.arrivals(until: now)
        let arrival = try #require(arrivals.first)
        #expect(arrivals.count == 1 && arrival.side == .server)
        #expect(Octets.hasRightSums(arrival.octets))
        return arrival.octets
    }

    @Test("Packets leave by an outside endpoint and come back to the inside", arguments: [false, true])
    func thereAndBack(isTCP: Bool) throws {
        var scene = try scene()
        let make = isTCP ? { Octets.tcp($0, $1, payload: $2) } : { Octets.udp($0, $1, payload: $2) }
        for length in [0, 1, 2, 999, 1000] {
            let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 31) }
            let sent = make(Scene.client, Octets.server, payload)
            let seen = try outside(&scene, sent, at: 0)
            let endpoint = Octets.source(seen)
            #expect([Self.first, Self.second].contains(endpoint.address))
            #expect(Octets.destination(seen) == Octets.server)
            #expect(seen.suffix(length) == payload[...])
            scene.send(make(Octets.server, endpoint, payload), from: .server, at: 1)
            let back = try #require(scene.arrivals(until: 1).first)
            #expect(Octets.destination(back.octets) == Scene.client && Octets.hasRightSums(back.octets))
            #expect(back.octets.suffix(length) == payload[...])
        }
        #expect(scene.emulator.counters.nat?.made == 1)
    }

    @Test("A UDP packet without a checksum stays without") func noChecksum() throws {
        var scene = try scene()
        var octets = Octets.udp(Scene.client, Octets.server)
        octets[26] = 0
        octets[27] = 0
        let seen = try outside(&scene, octets, at: 0)
        #expect(seen[26] == 0 && seen[27] == 0)
    }

    @Test("A NAT goes back to the endpoint before, each time") func goingBack() throws {
        var scene = try scene()
        let sent = Octets.udp(Scene.client, Octets.server)
        let first = Octets.source(try outside(&scene, sent, at: 0))
        try scene.say("rebind all both")
        let second = Octets.source(try outside(&scene, sent, at: 1))
        for instant: Nanoseconds in 2...5 {
            try scene.say("rebind all back")
            #expect(Octets.source(try outside(&scene, sent, at: instant)) == (instant % 2 == 0 ? first : second))
        }
    }

    @Test(
        "A rebinding changes what it should, and nothing comes in by the old endpoint",
        arguments: NATChange.allCases
    )
    func rebinding(change: NATChange) throws {
        var scene = try scene()
        let sent = Octets.udp(Scene.client, Octets.server)
        let old = Octets.source(try outside(&scene, sent, at: 0))
        _ = scene.emulator.takeEvents()
        try scene.say("rebind all \(change.rawValue)")
        scene.send(Octets.udp(Octets.server, old), from: .server, at: 1)
        #expect(scene.arrivals(until: 1).isEmpty)
        #expect(scene.emulator.counters.nat?.unmatched == 1)
        let new = Octets.source(try outside(&scene, sent, at: 2))
        #expect((new.port != old.port) == (change != .address))
        #expect((new.address != old.address) == [.address, .both].contains(change))
        let told = scene.emulator.takeEvents()
        func news(_ kind: NATNews.Kind, at instant: Nanoseconds) -> Emulator.Event {
            .nat(NATNews(kind: kind, transport: .udp, inside: Scene.client, outside: new, instant: instant))
        }
        #expect(told == [news(.bound, at: 2)])
        _ = try outside(&scene, sent, at: 3)
        #expect(scene.emulator.takeEvents().isEmpty)
        for instant: Nanoseconds in [4, 5] {
            scene.send(Octets.udp(Octets.server, new), from: .server, at: instant)
            #expect(scene.arrivals(until: instant).count == 1)
            #expect(scene.emulator.takeEvents() == (instant == 4 ? [news(.answered, at: 4)] : []))
        }
    }

    @Test("One client, or one flow, is rebound and no other") func scope() throws {
        var scene = try scene()
        let flows = [(2, 4000), (2, 4001), (3, 4000)].map {
            Endpoint(address: 0x0A47_0000 + UInt32($0.0), port: UInt16($0.1))
        }
        func outsides(_ now: Nanoseconds) throws -> [Endpoint] {
            try flows.map { Octets.source(try outside(&scene, Octets.udp($0, Octets.server), at: now)) }
        }
        let before = try outsides(0)
        #expect(Set(before).count == 3)
        try scene.say("rebind 10.71.0.2 port")
        let after = try outsides(1)
        #expect(after[0] != before[0] && after[1] != before[1] && after[2] == before[2])
        try scene.say("rebind 10.71.0.2:4001 both")
        let last = try outsides(2)
        #expect(last[0] == after[0] && last[1] != after[1] && last[2] == after[2])
    }

    @Test("Ten thousand flows are rebound at once, each to an endpoint of its own") func crowd() throws {
        var scene = try scene()
        let clients = (0..<10_000).map {
            Endpoint(address: 0x0A47_0002 + UInt32($0 / 250), port: UInt16(2000 + $0 % 250))
        }
        func outsides(_ now: Nanoseconds) throws -> Set<Endpoint> {
            Set(try clients.map { Octets.source(try outside(&scene, Octets.udp($0, Octets.server), at: now)) })
        }
        let before = try outsides(0)
        try scene.say("rebind all both")
        let after = try outsides(1)
        #expect(before.count == 10_000 && after.count == 10_000)
        #expect(before.isDisjoint(with: after))
        #expect(scene.emulator.counters.nat?.rebound == 10_000)
    }

    @Test("A binding without packets is forgotten after its timeout, TCP's later") func timeout() throws {
        var scene = try scene()
        let udp = Octets.udp(Scene.client, Octets.server)
        let tcp = Octets.tcp(Scene.client, Octets.server)
        let first = Octets.source(try outside(&scene, udp, at: 0))
        let firstTCP = Octets.source(try outside(&scene, tcp, at: 0))
        // Packets from either side keep it.
        #expect(Octets.source(try outside(&scene, udp, at: .milliseconds(900))) == first)
        scene.send(Octets.udp(Octets.server, first), from: .server, at: .milliseconds(1800))
        #expect(scene.arrivals(until: .milliseconds(1800)).count == 1)
        #expect(Octets.source(try outside(&scene, udp, at: .milliseconds(2700))) == first)
        scene.send(Octets.udp(Octets.server, first), from: .server, at: .milliseconds(3800))
        #expect(scene.arrivals(until: .milliseconds(3800)).isEmpty)
        #expect(Octets.source(try outside(&scene, udp, at: .milliseconds(3900))) != first)
        #expect(Octets.source(try outside(&scene, tcp, at: .milliseconds(9000))) == firstTCP)
        try scene.say("expire all")
        #expect(Octets.source(try outside(&scene, tcp, at: .milliseconds(9001))) != firstTCP)
        #expect(scene.emulator.counters.nat?.expired == 3)
    }

    @Test("Echoes find back by their identifier") func echo() throws {
        var scene = try scene()
        let sent = Octets.echo(Scene.client.address, Octets.server.address, type: 8, identifier: 77)
        let seen = try outside(&scene, sent, at: 0)
        let identifier = UInt16(seen[24]) << 8 | UInt16(seen[25])
        let source = Octets.source(seen).address
        scene.send(
            Octets.echo(Octets.server.address, source, type: 0, identifier: identifier),
            from: .server,
            at: 1
        )
        let back = try #require(scene.arrivals(until: 1).first).octets
        #expect(Octets.destination(back).address == Scene.client.address && Octets.hasRightSums(back))
        #expect(UInt16(back[24]) << 8 | UInt16(back[25]) == 77)
    }

    @Test("An ICMP error is translated, and the packet that it quotes", arguments: [false, true])
    func quoted(isTCP: Bool) throws {
        var scene = try scene()
        let sent = isTCP ? Octets.tcp(Scene.client, Octets.server) : Octets.udp(Scene.client, Octets.server)
        let seen = try outside(&scene, sent, at: 0)
        let error = Octets.unreachable(Octets.server.address, Octets.source(seen).address, about: seen)
        scene.send(error, from: .server, at: 1)
        let back = try #require(scene.arrivals(until: 1).first).octets
        #expect(Octets.hasRightSums(back))
        #expect(Octets.destination(back).address == Scene.client.address)
        let quoted = Array(back[28...])
        #expect(Octets.source(quoted) == Scene.client && Octets.destination(quoted) == Octets.server)
        #expect(Octets.sum(Array(quoted[..<20])) == 0xFFFF)
        #expect(quoted[12..<24] == sent[12..<24])
    }

    @Test("What has no ports does not pass") func untranslatable() throws {
        var scene = try scene()
        var fragment = Octets.udp(Scene.client, Octets.server)
        fragment[6] = 0x20
        var other = Octets.udp(Scene.client, Octets.server)
        other[9] = 47
        let cut = Array(Octets.udp(Scene.client, Octets.server).prefix(24))
        for octets in [fragment, other, cut] { scene.send(octets, from: .client, at: 0) }
        #expect(scene.arrivals(until: 10).isEmpty)
        #expect(scene.emulator.counters.nat?.untranslatable == 3)
    }

    @Test("Octets at random never lead out of the packet") func random() throws {
        var scene = try scene()
        var draws = SeededGenerator(seed: 8, purpose: 0)
        for round in 0..<20_000 {
            var octets = Octets.unreachable(
                Octets.server.address,
                Self.first,
                about: Octets.udp(Scene.client, Octets.server)
            )
            for _ in 0..<4 { octets[Int(draws.next(upTo: UInt64(octets.count - 1)))] = UInt8(draws.next(upTo: 255)) }
            octets = Array(octets.prefix(Int(draws.next(upTo: UInt64(octets.count)))))
            if octets.isEmpty { continue }
            scene.send(octets, from: round.isMultiple(of: 2) ? .client : .server, at: UInt64(round))
        }
        _ = scene.arrivals(until: 20_000)
        #expect(scene.emulator.pool.inUse == 0)
    }
}
