/// A generator of random identifiers, which tell nothing about their endpoint.
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
