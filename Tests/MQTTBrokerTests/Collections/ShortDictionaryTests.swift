import Testing

@testable import MQTTBroker

@Suite struct ShortDictionaryTests {
    /// The same calls on a dictionary and a short one, whatever they hold meanwhile.
    @Test func isADictionary() {
        for seed in UInt64(0)..<50 {
            var random = SeededGenerator(seed: seed)
            var dictionary: [Int: Int] = [:]
            var short = ShortDictionary<Int, Int>()
            for step in 0..<60 {
                let key = Int.random(in: 0..<4, using: &random)
                if Bool.random(using: &random) {
                    #expect(short.updateValue(step, forKey: key) == dictionary.updateValue(step, forKey: key))
                } else {
                    #expect(short.removeValue(forKey: key) == dictionary.removeValue(forKey: key))
                }
                for key in 0..<4 { #expect(short[key] == dictionary[key]) }
                #expect(short.count == dictionary.count && short.isEmpty == dictionary.isEmpty)
                #expect(Dictionary(uniqueKeysWithValues: short.map { ($0.key, $0.value) }) == dictionary)
            }
        }
    }

    @Test func setsAndRemovesBySubscript() {
        var short = ShortDictionary<String, Int>()
        short["a"] = 1
        short["b"] = 2
        short["a"] = nil
        #expect(short.keys == ["b"])
        short["b"] = nil
        #expect(short.isEmpty)
    }
}
