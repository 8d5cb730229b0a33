import NIOCore

/// Octets as the standard's figures show them: pairs of hexadecimal digits, and 'text' between quotes.
func octets(_ figure: String) -> ByteBuffer {
    var buffer = ByteBuffer()
    for (index, part) in figure.split(separator: "'", omittingEmptySubsequences: false).enumerated() {
        if index.isMultiple(of: 2) {
            for pair in part.split(whereSeparator: \.isWhitespace) {
                guard let octet = UInt8(pair, radix: 16) else { preconditionFailure("no octet: \(pair)") }
                buffer.writeInteger(octet)
            }
        } else {
            buffer.writeString(String(part))
        }
    }
    return buffer
}

/// Where the readable octets lie.
func address(_ buffer: ByteBuffer) -> Int {
    buffer.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
}

extension ByteBuffer {
    /// The readable octets as pairs of hexadecimal digits.
    var figure: String {
        readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: " ")
    }
}
