import Testing

@testable import QUICTransport

/// The memory of an idle connection with its zeros left out.
@Suite struct FoldedMemoryTests {
    /// Whatever the words are and wherever they stand, they come back to their places.
    @Test func foldedMemoryComesBack() {
        var random = SystemRandomNumberGenerator()
        let capacity = 8 * 1024
        let scratch = FoldingScratch(size: capacity)
        for density in [0, 1, 10, 50, 100] {
            for wordCount in [1, 2, 63, 64, 65, 127, 128, 1_000, 1_024] {
                let words = (0..<wordCount).map { _ in
                    Int.random(in: 0..<100, using: &random) < density
                        ? UInt64.random(in: 0 ... .max, using: &random) >> UInt64.random(in: 0..<64, using: &random) : 0
                }
                let folded = unsafe words.withUnsafeBytes { unsafe scratch.fold($0) }
                var back = [UInt64](repeating: 0, count: wordCount)
                unsafe back.withUnsafeMutableBytes { bytes in
                    if let base = bytes.baseAddress { unsafe folded.unfold(into: base) }
                }
                #expect(back == words)
                if density == 0 { #expect(folded.size == 24) }
                folded.free()
            }
        }
    }
}
