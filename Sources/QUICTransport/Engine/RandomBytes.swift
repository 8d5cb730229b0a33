internal import CNgtcp2

/// Random octets of the TLS library's generator, which needs no system call.
enum RandomBytes {
    static func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        // The generator fails only if the system has no source of randomness; nothing can continue safely then.
        precondition(unsafe gnutls_rnd(GNUTLS_RND_RANDOM, bytes.baseAddress, bytes.count) == 0, "no randomness")
    }

    static func make(_ count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            unsafe self.fill(UnsafeMutableRawBufferPointer(buffer))
            filled = count
        }
    }

    /// A random number of 0 to 64 bits.
    static func number(bits: Int) -> UInt64 {
        var number: UInt64 = 0
        unsafe withUnsafeMutableBytes(of: &number) { bytes in
            unsafe self.fill(UnsafeMutableRawBufferPointer(rebasing: bytes[..<((bits + 7) / 8)]))
        }
        return bits == 64 ? number : number & (1 << UInt64(bits) - 1)
    }
}
