/// A generator of random connection identifiers (RFC 9000 §5.1), which tell nothing about their endpoint.
package final class RandomConnectionIDGenerator: QUICConnectionIDGenerator {
    package let count: Int

    /// - Parameter count: octets of each identifier, 1 to 20.
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
