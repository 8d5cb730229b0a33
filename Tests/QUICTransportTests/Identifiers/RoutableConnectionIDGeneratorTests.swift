import Testing

@testable import QUICTransport

/// Connection identifiers of draft-ietf-quic-load-balancers.
@Suite struct RoutableConnectionIDGeneratorTests {
    private static let secret = [UInt8](repeating: 7, count: 32)
    private static let modes: [QUICIdentifierConfiguration.Mode] = [
        .encrypted, .plain, .aws(serverID: 0x0123_4567_89ab_cdef),
    ]

    private static func generator(
        _ mode: QUICIdentifierConfiguration.Mode = .encrypted,
        node: UInt16 = 3,
        incarnation: UInt16 = 9,
        worker: Int = 0,
        of workers: Int = 4,
        secret: [UInt8] = secret,
        rotation: Int = 0,
        others: [Int: [UInt8]] = [:],
        nonce: IdentifierNonce = IdentifierNonce()
    ) throws -> RoutableConnectionIDGenerator {
        var configuration = QUICIdentifierConfiguration()
        configuration.mode = mode
        configuration.node = node
        configuration.incarnation = incarnation
        configuration.rotation = rotation
        configuration.otherSecrets = others
        return try RoutableConnectionIDGenerator(
            configuration,
            ring: KeyRing(secret: secret, rotation: rotation, others: others),
            worker: worker,
            of: workers,
            nonce: nonce
        )
    }

    /// After a change of the ring new identifiers are of the new secret, and those of the former one are still known as the endpoint's own.
    @Test(arguments: modes) func otherSecret(_ mode: QUICIdentifierConfiguration.Mode) throws {
        let next = [UInt8](repeating: 9, count: 32)
        let generator = try Self.generator(mode, worker: 1)
        let before = generator.make()
        try generator.use(KeyRing(secret: next, rotation: 4, others: [0: Self.secret]))
        let after = generator.make()
        #expect(before.octets[0] >> 5 == 0 && after.octets[0] >> 5 == 4)
        #expect(generator.origin(of: before) == .own && generator.origin(of: after) == .own)
        // A node that knows the new secret alone, and one that knows both and uses the former.
        let later = try Self.generator(mode, node: 5, secret: next, rotation: 4)
        let earlier = try Self.generator(mode, node: 5, secret: Self.secret, others: [4: next])
        guard mode == .encrypted else { return }
        #expect(later.decode(after)?.node == 3 && later.decode(before) == nil)
        #expect(earlier.decode(after)?.node == 3 && earlier.decode(before)?.node == 3)
    }

    /// The draft's vector of 17 octets: server identifier ed793a51d49b8f5f, nonce ee080dbf48c0d1e5, and the identifier
    /// 504dd2d05a7b0de9b2b9907afb5ecf8cc3, whose first octet tells the length where ours has the worker.
    @Test func vectorOfOneBlock() throws {
        let cipher = try BlockCipher(key: [
            0x8f, 0x95, 0xf0, 0x92, 0x45, 0x76, 0x5f, 0x80, 0x25, 0x69, 0x34, 0xe5, 0x0c, 0x66, 0x20, 0x7f,
        ])
        let plain = IdentifierBlock(high: 0xed79_3a51_d49b_8f5f, low: 0xee08_0dbf_48c0_d1e5)
        var block = plain
        // Twice, since nothing of one block may reach the next.
        for _ in 0..<2 {
            block = plain
            cipher.encrypt(&block)
            #expect(block == IdentifierBlock(high: 0x4dd2_d05a_7b0d_e9b2, low: 0xb990_7afb_5ecf_8cc3))
        }
        for _ in 0..<2 {
            var again = block
            cipher.decrypt(&again)
            #expect(again == plain)
        }
        #expect(
            QUICConnectionID(0x50, block).octets == [
                0x50, 0x4d, 0xd2, 0xd0, 0x5a, 0x7b, 0x0d, 0xe9, 0xb2, 0xb9, 0x90, 0x7a, 0xfb, 0x5e, 0xcf, 0x8c, 0xc3,
            ]
        )
    }

    @Test(arguments: modes)
    func placesComeBack(mode: QUICIdentifierConfiguration.Mode) throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let place = IdentifierPlace(
                node: .random(in: 0...(.max), using: &random),
                incarnation: .random(in: 0...(.max), using: &random),
                worker: .random(in: 0...31, using: &random)
            )
            let rotation = Int.random(in: 0...6, using: &random)
            let generator = try Self.generator(
                mode,
                node: place.node,
                incarnation: place.incarnation,
                worker: Int(place.worker),
                of: 32,
                rotation: rotation
            )
            let identifier = generator.make()
            #expect(identifier.count == 17)
            #expect(Int(identifier.octets[0] >> 5) == rotation)
            #expect(generator.decode(identifier) == place)
            #expect(generator.origin(of: identifier) == .own)
        }
    }

    /// In clear, load balancers find what they route by.
    @Test func clearIdentifiersShowTheirServer() throws {
        let plain = try Self.generator(.plain, node: 0x1234, incarnation: 0x5678, worker: 2).make().octets
        #expect(Array(plain[1...5]) == [0x12, 0x34, 0x56, 0x78, 2])
        let aws = try Self.generator(.aws(serverID: 0x0123_4567_89ab_cdef)).make().octets
        #expect(Array(aws[1...8]) == [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef])
    }

    /// Octet 0 hides the worker: over many identifiers of one worker it takes all 32 values.
    @Test(arguments: modes)
    func workersAreMasked(mode: QUICIdentifierConfiguration.Mode) throws {
        let generator = try Self.generator(mode, worker: 1)
        let seen = Set((0..<2_000).map { _ in generator.make().octets[0] & 0x1f })
        #expect(seen.count == 32)
    }

    @Test(arguments: modes)
    func originsAreTold(mode: QUICIdentifierConfiguration.Mode) throws {
        let here = try Self.generator(mode, worker: 1, of: 4)
        #expect(try here.origin(of: Self.generator(mode, worker: 3).make()) == .worker(3))
        // No such worker here; and runs that are yet to come.
        #expect(try here.origin(of: Self.generator(mode, worker: 4, of: 8).make()) == .unknown)
        let later = try Self.generator(mode, incarnation: 10, worker: 1)
        #expect(here.origin(of: later.make()) == .run(RelayNode(number: 3, incarnation: 10), rotation: 0))
        for worker in [0, 1, 3, 31] {
            let before = try Self.generator(mode, incarnation: 8, worker: worker, of: 32)
            #expect(here.origin(of: before.make()) == .run(RelayNode(number: 3, incarnation: 8), rotation: 0))
        }
        if case .aws = mode {
            #expect(try here.origin(of: Self.generator(.aws(serverID: 1), worker: 1).make()) == .unknown)
        } else {
            let there = try Self.generator(mode, node: 4, incarnation: 8)
            #expect(here.origin(of: there.make()) == .run(RelayNode(number: 4, incarnation: 8), rotation: 0))
        }
        #expect(here.origin(of: QUICConnectionID([1, 2, 3])) == .unknown)
    }

    /// Incarnations go on at 0 behind 65535.
    @Test(arguments: [
        (1, 0, true), (0, 65_535, true), (5, 65_000, true), (0x7fff, 0, true), (0x8000, 0, false), (0, 1, false),
        (7, 7, false), (65_535, 0, false),
    ])
    func supersededRuns(now: UInt16, then: UInt16, isSuperseded: Bool) {
        let here = RelayNode(number: 1, incarnation: now)
        #expect(RelayNode(number: 1, incarnation: then).isSuperseded(by: here) == isSuperseded)
        #expect(!RelayNode(number: 2, incarnation: then).isSuperseded(by: here))
    }

    /// What was not made with the secret is nobody's: not a stranger's random octets, not a changed identifier.
    @Test func othersIdentifiersAreUnknown() throws {
        let generator = try Self.generator()
        let strangers = RandomConnectionIDGenerator()
        let foreign = try Self.generator(secret: [UInt8](repeating: 8, count: 32))
        let own = RelayNode(number: 3, incarnation: 9)
        func isKnown(_ identifier: QUICConnectionID) -> Bool {
            switch generator.origin(of: identifier) {
            case .own, .worker: true
            case .run(let run, _): run.isSuperseded(by: own)
            case .unknown: false
            }
        }
        var known = 0
        for _ in 0..<20_000 {
            if isKnown(strangers.make()) { known += 1 }
            if isKnown(foreign.make()) { known += 1 }
            var octets = generator.make().octets
            octets[Int.random(in: 1...16)] ^= 1 << UInt8.random(in: 0...7)
            if isKnown(QUICConnectionID(octets)) { known += 1 }
        }
        // One in 2^22 would be taken for a superseded one.
        #expect(known <= 1)
    }

    @Test(arguments: modes)
    func nothingRepeats(mode: QUICIdentifierConfiguration.Mode) throws {
        // Across the end of both counters.
        let starts: [UInt64] = [(1 << 48) - 1_000, (1 << 40) - 1_000]
        for start in starts {
            let generator = try Self.generator(mode, nonce: IdentifierNonce(counter: start))
            #expect(Set((0..<20_000).map { _ in generator.make() }).count == 20_000)
        }
        let generators = try (0..<4).map { try Self.generator(mode, worker: $0) }
        #expect(Set(generators.flatMap { generator in (0..<5_000).map { _ in generator.make() } }).count == 20_000)
    }

    /// A process that gets another run goes on with the connections of the one before, wherever their loop is.
    @Test func processesGetAnotherRun() throws {
        let here = try Self.generator(worker: 1)
        let (mine, theirs) = (here.make(), try Self.generator(worker: 2).make())
        let next = RelayNode(number: 7, incarnation: 1)
        here.beginRun(next)
        #expect(here.origin(of: mine) == .own)
        #expect(here.origin(of: theirs) == .worker(2))
        #expect(here.decode(here.make())?.run == next)
        #expect(try here.origin(of: Self.generator(node: 7, incarnation: 1, worker: 3).make()) == .worker(3))
        // A run that has made nothing leaves nothing behind.
        let unused = try Self.generator(worker: 1)
        unused.beginRun(next)
        #expect(unused.origin(of: mine) == .run(RelayNode(number: 3, incarnation: 9), rotation: 0))
    }

    /// A new secret is first understood everywhere, then used, and the old one understood for as long as it takes.
    @Test func secretsRotate() throws {
        let old = [UInt8](repeating: 1, count: 32)
        let new = [UInt8](repeating: 2, count: 32)
        let before = try Self.generator(worker: 0, secret: old, rotation: 5, others: [6: new])
        let after = try Self.generator(worker: 1, secret: new, rotation: 6, others: [5: old])
        #expect(before.origin(of: after.make()) == .worker(1))
        #expect(after.origin(of: before.make()) == .worker(0))
        let late = try Self.generator(incarnation: 10, secret: new, rotation: 6, others: [5: old])
        #expect(late.origin(of: before.make()) == .run(RelayNode(number: 3, incarnation: 9), rotation: 5))
        let without = try Self.generator(incarnation: 10, secret: new, rotation: 6)
        #expect(without.origin(of: before.make()) == .unknown)
        // 0b111 is for identifiers that nobody can route.
        #expect((0..<1_000).allSatisfy { _ in after.make().octets[0] >> 5 != 7 })
        #expect(throws: QUICError.self) { try Self.generator(rotation: 7) }
        #expect(late.origin(of: QUICConnectionID([0xe0] + [UInt8](repeating: 0, count: 16))) == .unknown)
    }
}
