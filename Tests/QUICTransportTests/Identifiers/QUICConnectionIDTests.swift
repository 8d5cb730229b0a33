import Testing

@testable import QUICTransport

/// Connection identifiers as values.
@Suite struct QUICConnectionIDTests {
    @Test func identifiersKeepTheirOctets() {
        for count in 0...20 {
            let octets = (0..<count).map { UInt8($0 + 1) }
            #expect(QUICConnectionID(octets).octets == octets)
            #expect(QUICConnectionID(octets) == octets.withUnsafeBytes { QUICConnectionID($0) })
        }
        #expect(QUICConnectionID([1]) != QUICConnectionID([1, 0]))
        let generator = RandomConnectionIDGenerator()
        #expect(generator.make().count == 17)
        #expect(Set((0..<1_000).map { _ in generator.make() }).count == 1_000)
    }
}
