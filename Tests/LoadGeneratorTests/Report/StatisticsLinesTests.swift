import Testing

@testable import LoadGenerator

@Suite("The lines of each second")
struct StatisticsLinesTests {
    private let second: UInt64 = 1_000_000_000

    @Test("One line for each counter that changed, in emqtt_bench's form")
    func counters() {
        var lines = StatisticsLines(start: 5 * second)
        var counters = Counters()
        counters[.connected] = 636
        #expect(
            lines.lines(counters, now: 5 * second + 1_002_000_000) == ["\r1s connect_succ total=636 rate=634.73/sec"]
        )
        #expect(lines.lines(counters, now: 7 * second).isEmpty)
    }

    @Test("A rate is that since the counter's own last line")
    func gap() {
        var lines = StatisticsLines(start: 0)
        var counters = Counters()
        counters[.received] = 10
        _ = lines.lines(counters, now: second)
        _ = lines.lines(counters, now: 2 * second)
        _ = lines.lines(counters, now: 3 * second)
        counters[.received] = 16
        #expect(lines.lines(counters, now: 4 * second) == ["\r4s recv total=16 rate=2.00/sec"])
    }

    @Test("The latency is a whole mean over what was received since, and comes first")
    func latency() {
        var lines = StatisticsLines(start: 0)
        var counters = Counters()
        counters[.received] = 4
        counters[.publishLatency] = 15
        #expect(
            lines.lines(counters, now: 8 * second) == [
                "\r8s publish_latency avg=3ms", "\r8s recv total=4 rate=0.50/sec",
            ]
        )
        #expect(lines.lines(counters, now: 9 * second).isEmpty)
    }

    @Test("The order is emqtt_bench's, and what it lacks comes last")
    func order() {
        #expect(
            Counter.allCases.map(\.name) == [
                "publish_latency", "recv", "sub", "sub_fail", "pub", "pub_fail", "pub_overrun", "pub_succ", "pub_nosub",
                "connect_succ", "connect_fail", "connect_retried", "reconnect_succ", "unreachable",
                "connection_refused", "connection_timeout", "connection_idle", "migrate_succ", "migrate_fail",
                "stream_ended", "connect_early",
            ]
        )
    }

    @Test(
        "Elapsed time",
        arguments: [(0, ""), (1, "1s"), (60, "1m0s"), (3723, "1h2m3s"), (86_405, "1d0h0m5s")] as [(UInt64, String)]
    )
    func elapsed(seconds: UInt64, text: String) {
        #expect(StatisticsLines.elapsed(seconds) == text)
    }

    @Test(
        "Numbers",
        arguments: [
            (0, 2, "0.00"), (634.7305, 2, "634.73"), (0.005, 2, "0.01"), (9.999, 2, "10.00"), (1234567.5, 0, "1234568"),
            (-1.5, 1, "-1.5"),
        ] as [(Double, Int, String)]
    )
    func number(value: Double, decimals: Int, text: String) {
        #expect(value.text(decimals: decimals) == text)
    }

    @Test("Needless decimals", arguments: [(20, "20"), (0.4, "0.4"), (1.25, "1.25"), (0, "0")] as [(Double, String)])
    func shortNumber(value: Double, text: String) {
        #expect(value.text(atMost: 3) == text)
    }
}
