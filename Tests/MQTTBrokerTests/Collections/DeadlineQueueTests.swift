import NIOCore
import Testing

@testable import MQTTBroker

/// The queue of deadlines against a list that is searched.
@Suite struct DeadlineQueueTests {
    @Test("Deadlines come up in their order, and none that was cancelled", arguments: 0..<20 as Range<UInt64>)
    func order(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = DeadlineQueue<Int>()
        var model: [(target: Int, instant: NIODeadline, handle: DeadlineQueue<Int>.Handle)] = []
        var now = NIODeadline.uptimeNanoseconds(0)
        for target in 0..<2000 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                let instant = now + .nanoseconds(Int64.random(in: 0..<100, using: &random))
                model.append((target, instant, queue.add(target, at: instant)))
            case 2 where !model.isEmpty:
                let index = Int.random(in: model.indices, using: &random)
                var handle: DeadlineQueue<Int>.Handle? = model.remove(at: index).handle
                queue.cancel(&handle)
                #expect(handle == nil)
            case 3:
                now = now + .nanoseconds(Int64.random(in: 0..<10, using: &random))
                var due: [NIODeadline] = []
                while let (fired, instant) = queue.popDue(at: now) {
                    due.append(instant)
                    let index = model.firstIndex { $0.target == fired }
                    #expect(index != nil)
                    if let index { #expect(model.remove(at: index).instant == instant) }
                }
                #expect(due == due.sorted())
                #expect(model.allSatisfy { $0.instant > now })
            default:
                for (_, instant, handle) in model {
                    let known = queue.instant(of: handle)
                    #expect(known == instant)
                }
            }
            let (count, earliest) = (queue.count, queue.earliest)
            #expect(count == model.count)
            #expect(earliest == model.map(\.instant).min())
        }
    }

    @Test("A handle of a deadline that has fired names no later one")
    func stale() throws {
        var queue = DeadlineQueue<Int>()
        let instant = NIODeadline.uptimeNanoseconds(5)
        var stale: DeadlineQueue<Int>.Handle? = queue.add(1, at: instant)
        let fired = queue.popDue(at: instant)
        #expect(fired?.target == 1)
        let next = queue.add(2, at: instant)
        let staleInstant = queue.instant(of: try #require(stale))
        #expect(staleInstant == nil)
        queue.cancel(&stale)
        let nextInstant = queue.instant(of: next)
        #expect(nextInstant == instant)
    }
}
