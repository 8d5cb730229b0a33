import Testing

@testable import MQTTBroker

@Suite("Refusals of messages for lanes that are not led here")
struct RefusalsTests {
    private let source = ShardReference(node: 1, shard: 0)

    private func scope(_ lanes: UInt64, from source: ShardReference? = nil, isAgain: Bool = false) -> LaneScope {
        LaneScope(lanes: lanes, isForTransient: true, source: source ?? self.source, isAgain: isAgain)
    }

    @Test("A lane that has refused a message refuses those behind it until that one comes again")
    func keepsOrder() {
        var refusals = Refusals()
        #expect(refusals.judge(scope(0b11), led: 0b01) == 0b10)
        // The lane is led by now, and the message before is still missing.
        #expect(refusals.judge(scope(0b11), led: 0b11) == 0b10)
        #expect(refusals.judge(scope(0b10, isAgain: true), led: 0b11) == 0)
        #expect(refusals.judge(scope(0b11), led: 0b11) == 0)
    }

    @Test("A message that comes again while the lane is not led is refused, and so are those behind it")
    func refusesAgain() {
        var refusals = Refusals()
        #expect(refusals.judge(scope(0b10), led: 0) == 0b10)
        #expect(refusals.judge(scope(0b10, isAgain: true), led: 0) == 0b10)
        #expect(refusals.judge(scope(0b10), led: 0b10) == 0b10)
    }

    @Test("Sources, and the two ways of one source, do not concern each other")
    func ways() {
        var refusals = Refusals()
        let other = ShardReference(node: 2, shard: 0)
        #expect(refusals.judge(scope(1), led: 0) == 1)
        #expect(refusals.judge(scope(1, from: other), led: 1) == 0)
        #expect(refusals.judge(scope(1), isRetained: true, led: 1) == 0)
        #expect(refusals.judge(scope(1), led: 1) == 1)
    }
}
