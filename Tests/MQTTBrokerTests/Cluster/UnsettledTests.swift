import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite("What has passed between a connection and the home of its session")
struct UnsettledTests {
    private func acknowledgement(_ kind: PublishAcknowledgement.Kind, _ identifier: UInt16) -> Packet {
        .acknowledgement(PublishAcknowledgement(kind, identifier))
    }

    @Test("A packet is kept until it is settled, and so is the identifier of the exchange that it ends")
    func settles() {
        var unsettled = Unsettled()
        unsettled.sent([1, 2, 3])
        let first = unsettled.pass(acknowledgement(.received, 1), version: .v5).readableBytes
        let recorded = unsettled.pass(acknowledgement(.recorded, 2), version: .v5).readableBytes
        let complete = unsettled.pass(acknowledgement(.complete, 2), version: .v5).readableBytes
        #expect(unsettled.octets == first + recorded + complete)
        #expect(Array(unsettled.outstanding) == [1, 2, 3])
        unsettled.settle(octets: first + recorded)
        #expect(unsettled.octets == complete)
        #expect(Array(unsettled.outstanding) == [2, 3], "PUBREC ends no exchange")
        unsettled.settle(octets: complete)
        #expect(Array(unsettled.outstanding) == [3])
    }

    @Test("A PUBREC with an error ends the exchange")
    func refuses() {
        var unsettled = Unsettled()
        unsettled.sent([7])
        let refusal = PublishAcknowledgement(.recorded, 7, reasonCode: .quotaExceeded)
        let octets = unsettled.pass(.acknowledgement(refusal), version: .v5).readableBytes
        unsettled.settle(octets: octets)
        #expect(unsettled.outstanding.isEmpty)
    }

    @Test("What is answered is not told another home, although packets before it are not settled")
    func retells() {
        var unsettled = Unsettled()
        unsettled.sent([1])
        let first = unsettled.pass(acknowledgement(.release, 9), version: .v5)
        let subscribe = Packet.unsubscribe(Unsubscribe(packetIdentifier: 5, topicFilters: ["a"]))
        _ = unsettled.pass(subscribe, version: .v5)
        unsettled.answerLast()
        let last = unsettled.pass(acknowledgement(.received, 1), version: .v5)
        var expected = first
        expected.writeImmutableBuffer(last)
        #expect(unsettled.retell() == expected)
        unsettled.settle(octets: first.readableBytes)
        #expect(Array(unsettled.outstanding) == [1])
        unsettled.settle(octets: last.readableBytes)
        #expect(unsettled.outstanding.isEmpty && unsettled.octets == 0)
    }

    @Test("What is settled before it is answered is told no more")
    func settlesAnswered() {
        var unsettled = Unsettled()
        let subscribe = Packet.unsubscribe(Unsubscribe(packetIdentifier: 5, topicFilters: ["a"]))
        unsettled.settle(octets: unsettled.pass(subscribe, version: .v5).readableBytes)
        unsettled.answerLast()
        #expect(unsettled.retell().readableBytes == 0)
    }

    @Test("A home that settles more than it was given settles all of it", arguments: [-1, 0, 1_000_000])
    func bounds(octets: Int) {
        var unsettled = Unsettled()
        let given = unsettled.pass(acknowledgement(.received, 1), version: .v3_1_1).readableBytes
        unsettled.settle(octets: octets)
        #expect(unsettled.octets == (octets > 0 ? 0 : given))
    }
}

@Suite("How far the packets of a deputy are settled")
struct SettlementTests {
    @Test("Packets are settled in their order, once the log has them and their answers have left")
    func order() {
        let settlement = Settlement()
        settlement.add(10, position: 5, acknowledgements: 1, isUnanswered: false)
        settlement.add(20, position: 5, acknowledgements: 0, isUnanswered: true)
        settlement.add(30, position: 6, acknowledgements: 0, isUnanswered: false)
        let isSettledWithoutAnswer = settlement.advance(committed: 6, acknowledgements: 0)
        #expect(!isSettledWithoutAnswer)
        let isFirstSettled = settlement.advance(committed: 4, acknowledgements: 1)
        #expect(!isFirstSettled)
        let isSettled = settlement.advance(committed: 6, acknowledgements: 1)
        #expect(isSettled)
        #expect(settlement.takeUntold() == 10)
        #expect(settlement.takeUntold() == 0)
    }

    @Test("An answer settles the packets that were waiting for it")
    func answered() {
        let settlement = Settlement()
        settlement.add(20, position: 1, acknowledgements: 0, isUnanswered: true)
        let isSettled = settlement.advance(committed: 1, acknowledgements: 0)
        #expect(!isSettled)
        settlement.answered()
        let isSettledNow = settlement.advance(committed: 1, acknowledgements: 0)
        #expect(isSettledNow)
        #expect(settlement.takeUntold() == 20)
    }
}
