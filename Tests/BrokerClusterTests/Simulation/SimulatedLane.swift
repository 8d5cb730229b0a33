import BrokerCluster
import NATSClient
import NIOCore

/// One lane in a simulated JetStream: a subject with compare-and-set.
struct SimulatedLane {
    /// What JetStream does wrong on purpose, once in a while; the simulation has to find each.
    enum Fault: CaseIterable {
        /// The condition of an append is not looked at.
        case unconditional
        /// A message is stored twice.
        case storedTwice
        /// The last message is lost.
        case forgetful
        /// The answer comes, and nothing is stored.
        case answeredTooEarly
    }

    struct Stored {
        let sequence: UInt64
        let payload: ByteBuffer
    }

    let fault: Fault?
    /// Everything that was stored, also what was purged.
    private(set) var history: [Stored] = []
    private var purgedBefore: UInt64 = 0
    private var sequence: UInt64 = 0
    /// While a leader that was cut off answers questions: how much it knows.
    var staleCount: Int?

    init(fault: Fault?) { self.fault = fault }

    var contents: [Stored] { history.filter { $0.sequence >= purgedBefore } }

    private mutating func strikes(_ fault: Fault, _ random: inout SeededGenerator) -> Bool {
        self.fault == fault && random.once(in: 20)
    }

    mutating func append(
        expecting expected: UInt64,
        _ payload: ByteBuffer,
        using random: inout SeededGenerator
    ) -> AppendAnswer {
        if random.once(in: 50) { return .busy }
        guard (history.last?.sequence ?? 0) == expected || strikes(.unconditional, &random) else {
            return .sequenceIsAnother
        }
        // Other lanes are in the same stream.
        sequence += UInt64.random(in: 1...5, using: &random)
        if strikes(.answeredTooEarly, &random) { return .stored(sequence) }
        history.append(Stored(sequence: sequence, payload: payload))
        let answer = AppendAnswer.stored(sequence)
        if strikes(.storedTwice, &random) {
            sequence += 1
            history.append(Stored(sequence: sequence, payload: payload))
        }
        if strikes(.forgetful, &random) { history.removeLast() }
        return answer
    }

    var last: Result<LastMessage, JetStreamFailure> {
        let known = staleCount.map { Array(history.prefix($0)) } ?? history
        guard let last = known.last else { return LaneScript.nothing }
        return LaneScript.last(last.sequence, octets: last.payload)
    }

    mutating func purge(before sequence: UInt64) { purgedBefore = max(purgedBefore, sequence) }
}
