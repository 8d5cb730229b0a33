import Testing

@testable import MQTTBroker

@Suite struct SlotDictionaryTests {
    @Test("It holds what a dictionary holds", arguments: 0..<20 as Range<UInt64>)
    func content(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var slots = SlotDictionary<Int, String>()
        var model: [Int: String] = [:]
        for step in 0..<1000 {
            let key = Int.random(in: 0..<40, using: &random)
            let value = Bool.random(using: &random) ? "\(step)" : nil
            slots[key] = value
            model[key] = value
            #expect(slots.count == model.count && slots.isEmpty == model.isEmpty)
            for key in 0..<40 { #expect(slots[key] == model[key]) }
            let walked = (0..<slots.placeCount).compactMap { slots.value(at: $0) }
            #expect(walked.sorted() == model.values.sorted())
        }
    }

    @Test("A walk sees all that is there from its start to its end, once, whatever comes and goes")
    func walk() {
        var random = SeededGenerator(seed: 1)
        var slots = SlotDictionary<Int, Int>()
        for key in 0..<1000 { slots[key] = key }
        var seen: [Int] = []
        var place = 0
        var next = 1000
        while place < slots.placeCount {
            if let value = slots.value(at: place) { seen.append(value) }
            place += 1
            // Odd ones of the first thousand go, and others come.
            slots[2 * Int.random(in: 0..<500, using: &random) + 1] = nil
            slots[next] = next
            next += Int.random(in: 0...1, using: &random)
        }
        #expect(Set(seen).count == seen.count)
        #expect(Set(seen).isSuperset(of: stride(from: 0, to: 1000, by: 2)))
    }

    @Test("Places are used again, and many are freed with the last value")
    func places() {
        var slots = SlotDictionary<Int, Int>()
        for key in 0..<10_000 {
            slots[key] = key
            if key >= 20 { slots[key - 20] = nil }
        }
        #expect(slots.placeCount <= 21)
        for key in 9980..<10_000 { slots[key] = nil }
        #expect(slots.placeCount == 0)
    }
}
