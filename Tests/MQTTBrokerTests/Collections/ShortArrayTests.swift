import Testing

@testable import MQTTBroker

@Suite struct ShortArrayTests {
    /// The same calls on an array and a short one, whatever they hold meanwhile.
    @Test func isAnArray() {
        for seed in UInt64(0)..<50 {
            var random = SeededGenerator(seed: seed)
            var array: [Int] = []
            var short = ShortArray<Int>()
            for step in 0..<40 {
                if Bool.random(using: &random) {
                    array.append(step)
                    short.append(step)
                } else {
                    let divisor = Int.random(in: 1...5, using: &random)
                    array.removeAll { $0 % divisor == 0 }
                    short.removeAll { $0 % divisor == 0 }
                }
                #expect(Array(short) == array)
                #expect(short.count == array.count)
                #expect(ShortArray(array).elementsEqual(array))
            }
        }
    }
}
