import BrokerCluster
package import NIOCore

/// What must hold for any octets that other nodes send by links or leave in lanes: what can be read is the same when it is written again,
/// messages of a link come once and in order, whatever frames are lost, doubled or changed on the way, and a replay never gives more than
/// there is.
package enum ClusterFramesOracle {
    package struct Disagreement: Error { package let reason: String }

    package static func check(_ octets: ByteBuffer) throws(Disagreement) {
        try checkLaneMessage(octets)
        try checkLane(octets)
        try checkHead(octets)
        try checkStranger(octets)
        try checkLink(octets)
        try checkQuestions(octets)
    }

    // MARK: Questions

    /// What can be read as a question or an answer is read the same again when it is written, and a round takes no more than it may.
    private static func checkQuestions(_ octets: ByteBuffer) throws(Disagreement) {
        let limits = QuestionLimits()
        if let question = QuestionMessage(octets, limits), QuestionMessage(question.octets, limits) != question {
            throw Disagreement(reason: "a question is another when written again")
        }
        if let answer = AnswerMessage(octets, limits), AnswerMessage(answer.octets, limits) != answer {
            throw Disagreement(reason: "an answer is another when written again")
        }
        var round = QuestionRound(0..<2, limits)
        for node in 0..<2 { round.received(octets, from: node) }
        guard round.isComplete, round.answers.count + round.silences.count == 2 else {
            throw Disagreement(reason: "a node has neither answered nor been silent")
        }
        if let first = round.answers[0]?.identity, first.node != 0 {
            throw Disagreement(reason: "a node has answered for another one")
        }
    }

    // MARK: Lanes

    private static func checkLaneMessage(_ octets: ByteBuffer) throws(Disagreement) {
        guard let message = try? LaneMessage(octets) else { return }
        guard message.octets == octets else {
            throw Disagreement(reason: "a message of a lane is another when written again")
        }
    }

    /// The octets as a lane: each message has an octet for the step of its sequence and two for its length.
    private static func checkLane(_ octets: ByteBuffer) throws(Disagreement) {
        var rest = octets
        let position = LanePosition(sequence: 200)
        var reader = LaneReader(LaneTerm(lane: 0, number: 3, position: position, previous: nil))
        var sequence: UInt64 = 0
        var batches = 0
        while let (step, length) = rest.readMultipleIntegers(as: (UInt8, UInt16).self),
            let message = rest.readSlice(length: min(Int(length), rest.readableBytes))
        {
            sequence += UInt64(step)
            let read = reader.receive(message, at: sequence)
            if case .batch(let batch) = read {
                batches += 1
                guard sequence < position.sequence, batch.readableBytes <= message.readableBytes else {
                    throw Disagreement(reason: "a replay goes on behind its end")
                }
            }
            if read == .complete, sequence != position.sequence { throw Disagreement(reason: "a replay ends early") }
        }
    }

    // MARK: Links

    private static func checkHead(_ octets: ByteBuffer) throws(Disagreement) {
        var entries = octets
        guard let head = LinkHead(reading: &entries) else { return }
        var again = octets
        head.set(in: &again)
        guard again == octets else { throw Disagreement(reason: "a head is another when written again") }
    }

    private static let limits: LinkLimits = {
        var limits = LinkLimits()
        (limits.maximumFrame, limits.maximumMessage) = (120, 500)
        (limits.maximumOctets, limits.hardMaximumOctets) = (2_000, 4_000)
        return limits
    }()

    private static let addresses = (
        LinkEnd.Address(node: 1, shard: 0, run: 10), LinkEnd.Address(node: 2, shard: 0, run: 20)
    )

    /// An end that gets the octets as entries, again and again as the next frame, neither traps nor gives more than there is.
    private static func checkStranger(_ octets: ByteBuffer) throws(Disagreement) {
        var end = LinkEnd(addresses.0, addresses.1, epoch: 1, limits)
        var counters = LinkCounters()
        var epochs: UInt32 = 1
        let now = NIODeadline.uptimeNanoseconds(1_000)
        for number in 1...3 {
            let head = LinkHead(
                node: 2,
                shard: 0,
                run: 20,
                receiverRun: 10,
                epoch: 1,
                otherEpoch: 0,
                number: UInt64(number),
                acknowledged: 0,
                credit: 0,
                flags: []
            )
            var given = 0
            let reset = end.receive(head, octets, now, epochs: &epochs, &counters) { given += $0.readableBytes }
            guard given <= octets.readableBytes * number else { throw Disagreement(reason: "more comes than was sent") }
            if reset != nil, given > 0 { throw Disagreement(reason: "something comes of a frame that cannot be read") }
        }
    }

    /// The octets as what happens to frames between two ends.
    private static func checkLink(_ octets: ByteBuffer) throws(Disagreement) {
        var pair = FuzzedLink(limits, addresses)
        var rest = octets
        while let code: UInt8 = rest.readInteger() { try pair.step(code, &rest) }
        try pair.settle()
    }
}
