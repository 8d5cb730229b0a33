/// The CRC-32C checksum (Castagnoli; RFC 3720 §12.1), by which damaged batches of the log are found; eight octets at a time.
package enum CRC32C {
    /// Table `n` is for an octet that `n` further octets follow.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for octet in 0..<256 {
            var value = UInt32(octet)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
            tables[octet] = value
        }
        for index in 256..<8 * 256 {
            let previous = tables[index - 256]
            tables[index] = previous >> 8 ^ tables[Int(previous & 0xff)]
        }
        return tables
    }()

    package static func checksum(of octets: Span<UInt8>) -> UInt32 {
        let tables = tables.span
        var value = UInt32.max
        var index = 0
        while index + 8 <= octets.count {
            // The four octets that the value so far is combined with, then four more.
            for offset in 0..<4 {
                let octet = UInt32(octets[index + offset])
                value ^= octet << (8 * UInt32(offset))
            }
            var next: UInt32 = 0
            for offset in 0..<4 {
                next ^= tables[(7 - offset) * 256 + Int(value >> (8 * UInt32(offset)) & 0xff)]
                next ^= tables[(3 - offset) * 256 + Int(octets[index + 4 + offset])]
            }
            value = next
            index += 8
        }
        while index < octets.count {
            value = value >> 8 ^ tables[Int((value ^ UInt32(octets[index])) & 0xff)]
            index += 1
        }
        return ~value
    }
}
