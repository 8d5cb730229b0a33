import NATSFixture
import NIOCore
import Testing

@testable import BrokerCluster

/// Questions over real nats-servers.
@Suite(.serialized) struct NodeQuestionsTests {
    @Test("Who answers, and why the others do not")
    func asks() async throws {
        try await NATSCluster.with(servers: 1) { cluster in
            let asker = try await TestAsker(cluster.ports, TestLinks.member(0))
            let answers = try await TestAsker(cluster.ports, TestLinks.member(1)) { .init(length: $0.text.utf8.count) }
            let knowsNothing = try await TestAsker(cluster.ports, TestLinks.member(2))
            let fails = try await TestAsker(cluster.ports, TestLinks.member(3)) { _ in nil }
            let isLong = try await TestAsker(cluster.ports, TestLinks.member(4)) { _ in
                .init(length: 0, padding: String(repeating: "x", count: QuestionLimits().maximumAnswer))
            }
            let left = try await TestAsker(cluster.ports, TestLinks.member(5)) { _ in .init(length: 5) }
            for node in [asker, answers, knowsNothing, fails, isLong, left] { try await node.waitUntilReady() }
            try await left.end()
            // Until the server knows that it listens no more.
            try await waitUntil("nobody to listen") {
                try await asker.ask("", of: [5], within: .milliseconds(500)).silences == [5: .nobodyListens]
            }

            let asked = try await asker.ask("Größe", of: [1, 2, 3, 4, 5, 9])
            #expect(asked.answers == [1: .init(length: 7)])
            #expect(
                asked.silences == [
                    2: .unknownQuestion, 3: .failed, 4: .tooLarge, 5: .nobodyListens, 9: .nobodyListens,
                ]
            )
            #expect(try await asker.ask("", of: []).answers.isEmpty)
            for node in [asker, answers, knowsNothing, fails, isLong, left] { try await node.stop() }
        }
    }

    @Test("A node that does not answer in time is named, and one that answers enough others is busy")
    func isBounded() async throws {
        try await NATSCluster.with(servers: 1) { cluster in
            let asker = try await TestAsker(cluster.ports, TestLinks.member(0))
            var limits = QuestionLimits()
            limits.maximumAnswering = 1
            let (gate, open) = AsyncStream.makeStream(of: Void.self)
            let slow = try await TestAsker(cluster.ports, TestLinks.member(1), limits: limits) { question in
                if question.text == "slow" { for await _ in gate {} }
                return .init(length: 1)
            }
            for node in [asker, slow] { try await node.waitUntilReady() }
            #expect(try await asker.ask("slow", of: [1], within: .milliseconds(300)).silences == [1: .timedOut])
            #expect(try await asker.ask("quick", of: [1]).silences == [1: .busy])
            open.finish()
            try await waitUntil("an answer") { try await asker.ask("quick", of: [1]).answers == [1: .init(length: 1)] }
            for node in [asker, slow] { try await node.stop() }
        }
    }

    @Test("Without NATS there is no answer, and no wait")
    func isAlone() async throws {
        let asker = try await TestAsker([9], TestLinks.member(0))
        #expect(try await asker.ask("", of: [1, 2]).silences == [1: .noConnection, 2: .noConnection])
        try await asker.stop()
    }
}
