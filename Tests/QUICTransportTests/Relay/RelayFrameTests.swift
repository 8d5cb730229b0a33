import QUICTransport
import Testing

/// The octets of relay frames.
@Suite struct RelayFrameTests {
    private static let head: RelayFrame = {
        var head = RelayFrame(
            .answer,
            from: RelayNode(number: 0x0102, incarnation: 0x0304),
            to: RelayNode(number: 0x0506, incarnation: 0x0708),
            number: 0x1f_000000_00c0ff,
            worker: 31,
            listener: 0xa5,
            client: RelayAddress(high: 0x2001_0db8_0000_0000, low: 0x1, port: 0xabcd),
            ecn: 3,
            rotation: 6
        )
        head.segmentSize = 2
        return head
    }()

    private static func octets(_ head: RelayFrame, count: Int = 5) -> [UInt8] {
        var octets = RelayScene.room([UInt8](repeating: 0x40, count: count))
        octets.withUnsafeMutableBytes { head.write(into: $0) }
        return octets
    }

    private static func read(_ octets: [UInt8]) throws -> RelayFrame {
        try octets.withUnsafeBytes { octets in try RelayFrame(octets) }
    }

    @Test func everyFieldHasItsPlace() throws {
        let octets = Self.octets(Self.head)
        #expect(
            octets.prefix(RelayFrame.headerCount) == [
                0x09, 0x47, 0xdf, 0xa5, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x1f, 0, 0, 0, 0, 0xc0, 0xff, 0, 2, 0xab, 0xcd,
                0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            ]
        )
        #expect(try Self.read(octets) == Self.head)
    }

    @Test func frameIsWrittenAroundItsDatagram() {
        let octets = Self.octets(Self.head)
        #expect(octets.withUnsafeBytes { Array(RelayFrame.payload(of: $0)) } == [0x40, 0x40, 0x40, 0x40, 0x40])
        #expect(octets.suffix(RelayFrame.tagCount).allSatisfy { $0 == 0 })
        for count in 0...RelayFrame.overhead {
            #expect(octets.prefix(count).withUnsafeBytes { RelayFrame.payload(of: $0).isEmpty })
        }
    }

    @Test(arguments: [0x00, 0x10, 0x0b, 0x0f, 0x49, 0x89, 0xc9] as [UInt8])
    func otherVersionsAndKindsAreForeign(_ first: UInt8) {
        var octets = Self.octets(Self.head)
        octets[0] = first
        #expect(throws: RelayRefusal.foreign) { try Self.read(octets) }
    }

    @Test(arguments: [(1, 0x43), (1, 0x4f), (1, 0x57), (1, 0x67), (2, 0xff), (12, 0x20), (20, 1)] as [(Int, UInt8)])
    func fieldsOutOfTheirRangesAreMalformed(_ place: Int, _ octet: UInt8) {
        var octets = Self.octets(Self.head)
        octets[place] = octet
        #expect(throws: RelayRefusal.malformed) { try Self.read(octets) }
    }

    @Test func trainsAreBounded() {
        #expect(throws: Never.self) { try Self.read(Self.octets(Self.head, count: 2 * RelayFrame.maximumSegments)) }
        #expect(throws: RelayRefusal.malformed) {
            try Self.read(Self.octets(Self.head, count: 2 * RelayFrame.maximumSegments + 1))
        }
        #expect(throws: RelayRefusal.malformed) { try Self.read(Self.octets(Self.head, count: 1)) }
        var head = Self.head
        head.kind = .forward
        #expect(throws: RelayRefusal.malformed) { try Self.read(Self.octets(head)) }
    }

    @Test(arguments: [0x07, 0x87, 0xc7] as [UInt8]) func moreHopsThanOneLoop(_ octet: UInt8) {
        var octets = Self.octets(Self.head)
        octets[1] = octet
        #expect(throws: RelayRefusal.looping) { try Self.read(octets) }
    }

    /// A beat is about no client.
    @Test func beatsSayOneThing() throws {
        var octets = RelayScene.room([0x40])
        let beat = RelayFrame(
            .beat,
            from: Self.head.sender,
            to: Self.head.receiver,
            number: 0,
            worker: 0,
            client: .none
        )
        octets.withUnsafeMutableBytes { beat.write(into: $0) }
        #expect(try Self.read(octets) == beat)
        let changes: [(Int, UInt8)] = [(1, 0x45), (2, 1), (3, 1), (23, 1), (39, 1)]
        for (place, octet) in changes {
            var changed = octets
            changed[place] = octet
            #expect(throws: RelayRefusal.malformed) { try Self.read(changed) }
        }
        octets.append(0)
        #expect(throws: RelayRefusal.malformed) { try Self.read(octets) }
    }
}
