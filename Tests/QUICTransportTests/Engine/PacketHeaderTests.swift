import Testing

@testable import QUICTransport

/// The header fields that do not depend on the version (RFC 8999).
@Suite struct PacketHeaderTests {
    @Test func headersOfAllFormsAreRead() throws {
        func header(_ bytes: [UInt8]) -> PacketHeader? {
            bytes.withUnsafeBytes { PacketHeader($0, identifierCount: 4) }
        }
        let short = try #require(header([0x40, 1, 2, 3, 4, 5]))
        #expect(short.form == .short)
        #expect(short.destination.octets == [1, 2, 3, 4])
        let long = try #require(header([0xc0, 0, 0, 0, 1, 2, 7, 8, 1, 9, 0]))
        #expect(long.form == .long(version: 1))
        #expect(long.destination.octets == [7, 8])
        #expect(long.source.octets == [9])
        #expect(header([]) == nil)
        #expect(header([0x40, 1, 2, 3]) == nil)
        #expect(header([0xc0, 0, 0, 0, 1, 2, 7]) == nil)
        #expect(header([0xc0, 0, 0, 0, 1, 0, 2, 7]) == nil)
        // No version has identifiers of more than 20 octets that we could hold.
        #expect(header([0xc0, 0, 0, 0, 1, 21] + [UInt8](repeating: 0, count: 30)) == nil)
        #expect(header([0xc0, 0, 0, 0, 1, 0, 255] + [UInt8](repeating: 0, count: 255)) == nil)
    }
}
