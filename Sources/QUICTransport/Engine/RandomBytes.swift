internal import CNgtcp2

/// Random octets from the TLS library's generator, which costs no system call.
enum RandomBytes {
    static func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        // Fails only where the system has no source of randomness at all; nothing can go on safely then.
        precondition(unsafe gnutls_rnd(GNUTLS_RND_RANDOM, bytes.baseAddress, bytes.count) == 0, "no randomness")
    }

    static func make(_ count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            unsafe self.fill(UnsafeMutableRawBufferPointer(buffer))
            filled = count
        }
    }
}

/// Identifiers that carry nothing.
package final class RandomConnectionIDGenerator: QUICConnectionIDGenerator {
    package let count: Int

    package init(count: Int = 17) {
        self.count = count
    }

    package func make() -> QUICConnectionID {
        unsafe withUnsafeTemporaryAllocation(byteCount: self.count, alignment: 8) { bytes in
            unsafe RandomBytes.fill(bytes)
            return unsafe QUICConnectionID(UnsafeRawBufferPointer(bytes))
        }
    }
}
