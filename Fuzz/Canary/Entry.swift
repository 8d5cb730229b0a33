#if FUZZING
    import FuzzDriver

    /// Two faults that only a fuzzer finds that learns from coverage and watches memory: `scripts/fuzz` believes that a
    /// target has none only after it has seen both found.
    @main enum Entry {
        static func main() {
            fuzz { octets in
                guard let start = octets.baseAddress, octets.count > 4 else { return }
                if isWord("trap", at: start) { preconditionFailure("the canary") }
                if isWord("read", at: start) {
                    let heap = UnsafeMutableRawPointer.allocate(byteCount: octets.count, alignment: 1)
                    defer { heap.deallocate() }
                    heap.copyMemory(from: start, byteCount: octets.count)
                    // One octet beyond its end.
                    if heap.load(fromByteOffset: octets.count, as: UInt8.self) == 0 { print("the canary lives") }
                }
            }
        }

        /// Compares octet by octet, each with a branch of its own for libFuzzer to see.
        @inline(never)
        private static func isWord(_ word: StaticString, at start: UnsafeRawPointer) -> Bool {
            for index in 0..<word.utf8CodeUnitCount {
                guard start.load(fromByteOffset: index, as: UInt8.self) == word.utf8Start[index] else { return false }
            }
            return true
        }
    }
#endif
