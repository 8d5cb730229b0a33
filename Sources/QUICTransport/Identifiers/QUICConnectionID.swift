/// A QUIC connection identifier of 0 to 20 octets (RFC 9000 §5.1), without storage on the heap.
package struct QUICConnectionID: Hashable, Sendable {
    package static let maximumCount = 20

    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt32 = 0
    private var length: UInt8 = 0

    /// Octets beyond `maximumCount` are ignored.
    package init(_ octets: some Collection<UInt8>) {
        let count = min(octets.count, Self.maximumCount)
        unsafe withUnsafeMutableBytes(of: &self) { unsafe $0.copyBytes(from: octets.prefix(count)) }
        self.length = UInt8(count)
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        let count = min(bytes.count, Self.maximumCount)
        unsafe withUnsafeMutableBytes(of: &self) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
        self.length = UInt8(count)
    }

    /// An identifier of one octet and a block.
    init(_ first: UInt8, _ block: IdentifierBlock) {
        unsafe withUnsafeMutableBytes(of: &self) { bytes in
            unsafe bytes[0] = first
            unsafe withUnsafeBytes(of: block) {
                unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[1...]).copyMemory(from: $0)
            }
        }
        self.length = UInt8(1 + IdentifierBlock.count)
    }

    package var count: Int { Int(self.length) }

    package var octets: [UInt8] { unsafe self.withUnsafeOctets { unsafe Array($0) } }

    func withUnsafeOctets<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try unsafe withUnsafeBytes(of: self) { try unsafe body(UnsafeRawBufferPointer(rebasing: $0[..<self.count])) }
    }
}

extension QUICConnectionID {
    /// The first octet and the block after it; `nil` for an identifier that does not have 17 octets.
    var parts: (first: UInt8, block: IdentifierBlock)? {
        guard self.count == 1 + IdentifierBlock.count else { return nil }
        return unsafe self.withUnsafeOctets { octets in
            unsafe (
                octets[0],
                IdentifierBlock(
                    high: UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 1, as: UInt64.self)),
                    low: UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 9, as: UInt64.self))
                )
            )
        }
    }
}
