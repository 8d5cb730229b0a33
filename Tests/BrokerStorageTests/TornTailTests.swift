import BrokerStorage
import Foundation
import NIOCore
import StoreFixture
import Testing

/// A write-ahead log that ends somewhere, as after the loss of power.
struct TornTailTests {
    @Test func keepsEveryCommitBeforeTheTear() throws {
        let folder = try TestFolder()
        let log = try CommitLog.open(folder: folder.path)
        // How long the log was when each commit was on disk; the files hold them all.
        var ends: [Int] = []
        for number in 1...Int64(30) {
            let octets = Int(number) * 331
            try log.append(number, Data(ProbeBatch(number, octets).octets.readableBytesView))
            ends.append(try folder.octets(of: "commits.db-wal").count)
        }
        let whole = try folder.octets(of: "commits.db-wal")
        for seed in UInt64(0)..<200 {
            var generator = SplitMix(state: seed)
            let cut = Int.random(in: 0...whole.count, using: &generator)
            let torn = try TestFolder()
            try torn.write(folder.octets(of: "commits.db"), to: "commits.db")
            // Every other time, what follows is not missing but something else.
            let rest = seed % 2 == 0 ? 0 : min(whole.count - cut, 5_000)
            let garbage = Data((0..<rest).map { _ in UInt8.random(in: 0...255, using: &generator) })
            try torn.write(whole[..<cut] + garbage, to: "commits.db-wal")

            let opened = try CommitLog.open(folder: torn.path)
            let last = Int64(ends.count { $0 <= cut })
            let expected = (1...30).prefix(Int(last)).map { RecoveredCommit.made($0, Int($0) * 331) }
            #expect(try opened.all() == expected, "seed \(seed)")
            // It goes on behind what is there.
            try opened.append(last + 1, Data(ProbeBatch(last + 1).octets.readableBytesView))
            #expect(try opened.numbers()?.upperBound == last + 1, "seed \(seed)")
            try opened.close()
        }
    }
}
