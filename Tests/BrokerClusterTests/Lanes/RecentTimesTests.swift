import NIOCore
import Testing

@testable import BrokerCluster

@Suite struct RecentTimesTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000)

    @Test("Times are forgotten 30 to 60 s later")
    func forgets() {
        var times = RecentTimes(start)
        times.add(.milliseconds(4), start + .seconds(1))
        times.add(.milliseconds(10), start + .seconds(29))
        #expect(times.count == 2)
        times.advance(start + .seconds(31))
        #expect((times.count, times.longest, times.sum) == (2, .milliseconds(10), .milliseconds(14)))
        times.add(.milliseconds(1), start + .seconds(40))
        times.advance(start + .seconds(62))
        #expect((times.count, times.longest, times.sum) == (1, .milliseconds(1), .milliseconds(1)))
    }

    @Test("After a long silence nothing is left")
    func isEmpty() {
        var times = RecentTimes(start)
        times.add(.milliseconds(4), start + .seconds(1))
        times.advance(start + .seconds(61))
        #expect((times.count, times.longest, times.sum) == (0, .zero, .zero))
    }
}
