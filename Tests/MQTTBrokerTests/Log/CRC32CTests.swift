import Testing

@testable import MQTTBroker

@Suite struct CRC32CTests {
    @Test(
        "The examples of RFC 3720 §B.4, and of the Rocksoft catalogue",
        arguments: [
            ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
            ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
            (Array(0..<32), 0x46dd_794e),
            (Array((0..<32).reversed()), 0x113f_db5c),
            (Array("123456789".utf8), 0xe306_9283),
            ([], 0),
        ] as [([UInt8], UInt32)]
    ) func examples(octets: [UInt8], checksum: UInt32) { #expect(CRC32C.checksum(of: octets.span) == checksum) }
}
