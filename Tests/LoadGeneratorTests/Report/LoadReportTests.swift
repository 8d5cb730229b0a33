import Testing

@testable import LoadGenerator

@Suite("Reports")
struct LoadReportTests {
    @Test("Percentiles")
    func percentiles() throws {
        var record = LatencyRecord()
        #expect(record.summary == nil)
        for value in 1...1000 as ClosedRange<UInt64> { record.record(microseconds: value) }
        var other = LatencyRecord()
        other.record(microseconds: .max)
        record.add(other)
        let summary = try #require(record.summary)
        #expect(summary.count == 1001)
        #expect(summary.p50 == 501)
        #expect(summary.p99 == 991)
        #expect(summary.max >= 3_600_000_000)
    }

    @Test("What makes a run incomplete")
    func problems() throws {
        let options = try BenchOptions(.pub, ["-t", "t", "-c", "10", "-L", "100"])
        var snapshot = Worker.Snapshot()
        snapshot.counters[.connected] = 10
        snapshot.counters[.published] = 100
        func problems(_ end: LoadRun.End = .asked) -> [String] {
            LoadReport(options, snapshot, elapsed: 1, end: end).problems
        }
        #expect(problems().isEmpty)
        snapshot.counters[.published] = 99
        #expect(problems() == ["99 messages of 100"])
        snapshot.counters[.published] = 100
        snapshot.counters[.publishFailed] = 1
        #expect(problems().count == 1)
        snapshot.counters[.publishFailed] = 0
        snapshot.counters[.connected] = 9
        #expect(problems() == ["only 9 of 10 clients were connected in time"])
        #expect(problems(.interrupted).isEmpty)
        snapshot.counters[.connectFailed] = 1
        #expect(problems(.interrupted) == ["1 clients could not connect"])
        snapshot.counters[.connected] = 10
        snapshot.counters[.connectFailed] = 0
        snapshot.lost = 2
        #expect(problems() == ["2 clients lost their connection"])
        #expect(problems(.interrupted) == problems())
    }

    @Test("A run that ends before its time since nobody is left")
    func nobodyLeft() throws {
        let options = try BenchOptions(.conn, ["-c", "1", "--duration", "2500ms"])
        var snapshot = Worker.Snapshot()
        snapshot.counters[.connected] = 1
        func problems(_ end: LoadRun.End) -> [String] {
            LoadReport(options, snapshot, elapsed: 1_200_000_000, end: end).problems
        }
        #expect(problems(.asked).isEmpty)
        #expect(problems(.nobodyLeft) == ["no client was left after 1.2 s of the 2.5 s that were asked for"])
    }

    @Test("A process's figures, whatever its name")
    func probe() {
        let stat = "12 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 1 0"
        #expect(BrokerProbe.cpuSeconds(stat) == 2)
        #expect(BrokerProbe.kibibytes("VmPeak:\t  20 kB\nVmRSS:\t   1234 kB\n") == 1234)
        #expect(throws: UsageError.self) { try BrokerProbe(pid: -1).sample() }
    }
}
