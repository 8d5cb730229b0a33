import BrokerStorage
import Foundation
import NIOCore
import StoreFixture
import Testing

/// What is on disk after a process was killed while it wrote.
struct KillTests {
    /// What a store has: the batches of each source, in order.
    private struct Contents {
        var batches: [UInt8: ClosedRange<UInt64>] = [:]
        var commits: ClosedRange<Int64>?

        /// Reads a whole store, and sees that nothing in it is damaged, missing or out of order.
        init(_ folder: TestFolder) throws {
            let log = try CommitLog.open(folder: folder.path)
            commits = try log.numbers()
            try log.recover { recovered in
                guard case .commit(_, let octets) = recovered, let found = ProbeBatch.all(in: octets) else {
                    Issue.record("a commit is not what was written: \(recovered)")
                    return
                }
                for batch in found {
                    guard let earlier = batches[batch.source] else {
                        batches[batch.source] = batch.sequence...batch.sequence
                        continue
                    }
                    #expect(batch.sequence == earlier.upperBound + 1)
                    batches[batch.source] = earlier.lowerBound...batch.sequence
                }
            }
            try log.close()
        }
    }

    @Test func losesNothingThatWasSaidToBeOnDisk() async throws {
        let folder = try TestFolder()
        var generator = SystemRandomNumberGenerator()
        var commits = 0
        var trimGoal: Int64 = 0
        for round in 1...50 {
            // Small commits, and a log that is carried over often, so that every step is met.
            let probe = try Probe(folder, ["octets=6000", "checkpoint=200", "keep=100", "outstanding=24"])
            try await probe.wait(for: "durable")
            try await Task.sleep(for: .microseconds(Int.random(in: 0..<150_000, using: &generator)))
            probe.kill()

            let contents = try Contents(folder)
            let said = probe.said
            for words in said where words[0] == "trim" { trimGoal = try max(trimGoal, #require(Int64(words[1]))) }
            let numbers = try #require(contents.commits)
            for words in said where words[0] == "durable" {
                let source = try #require(UInt8(words[1]))
                let sequence = try #require(UInt64(words[2]))
                let commit = try #require(Int64(words[3]))
                commits += 1
                #expect(numbers.upperBound >= commit, "round \(round): \(words)")
                guard commit >= trimGoal else { continue }
                #expect(contents.batches[source]?.contains(sequence) == true, "round \(round): \(words)")
            }
            #expect(numbers.lowerBound <= max(1, trimGoal), "round \(round)")
        }
        #expect(commits > 500)
        #expect(trimGoal > 0)
    }
}
