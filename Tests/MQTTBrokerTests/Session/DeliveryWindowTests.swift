import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite("The window of a session whose lane gets another leader")
struct DeliveryWindowTests {
    private let now = Instant(monotonic: .uptimeNanoseconds(1), wall: 1)

    private func entry(_ payload: String, _ qos: QualityOfService = .atLeastOnce) -> MessageQueue.Entry {
        let publish = Publish(topic: ByteBuffer(string: "a"), payload: ByteBuffer(string: payload), qos: qos)
        let message = Message(copying: EncodedPublish(publish), qos: qos, now: now)
        return MessageQueue.Entry(message: message, qos: qos, retain: false, identifiers: [])
    }

    @Test("What the client was sent is in flight, and the rest is sent again in its order")
    func resumes() {
        var window = DeliveryWindow()
        for identifier in 1...4 { window.append(entry("\(identifier)"), UInt16(identifier), logged: nil) }
        window.resume([1, 2])
        #expect(window.sentCount == 2)
        #expect(window.firstUnsent?.identifier == 3)
        window.markFirstUnsentAsSent()
        #expect(window.firstUnsent?.identifier == 4)
    }

    @Test("An identifier that the log does not have is in flight until the client answers, and is not given out")
    func foreign() {
        var window = DeliveryWindow()
        window.append(entry("1"), 1, logged: nil)
        window.resume([1, 2, 3, 4])
        #expect(window.sentCount == 4 && window.isSentWhole)
        #expect(window.takeIdentifier() == 5)
        let acknowledged = window.acknowledge(2)
        #expect(acknowledged?.state == .foreign)
        if case .release = window.record(3, isError: false) {} else { Issue.record("PUBREL is due") }
        let completed = window.complete(3)
        #expect(completed != nil)
        let unknown = window.complete(4)
        #expect(unknown != nil, "its PUBREC was settled")
        #expect(window.count == 1)
    }

    @Test("Further identifiers follow the newest, whether the client was sent that or not", arguments: [0, 65_530])
    func follows(offset: Int) {
        func identifier(_ number: Int) -> UInt16 { UInt16((offset + number - 1) % 65_535 + 1) }
        var window = DeliveryWindow()
        for number in 1...2 { window.append(entry("\(number)"), identifier(number), logged: nil) }
        // The first was not sent, and six that the log does not have were.
        window.resume((2...8).map { identifier($0) })
        for number in 2...8 { _ = window.acknowledge(identifier(number)) }
        window.markFirstUnsentAsSent()
        #expect(window.takeIdentifier() == identifier(9))
    }

    @Test("The identifiers of an earlier run are not given out again soon, although their exchanges are over")
    func afterReplay() {
        var window = DeliveryWindow()
        window.append(entry("1"), 7, logged: nil)
        window.markRecorded(8)
        window.beginResending()
        while window.firstUnsent != nil { window.markFirstUnsentAsSent() }
        _ = window.acknowledge(7)
        _ = window.complete(8)
        #expect(window.isEmpty)
        #expect(window.takeIdentifier() == 9)
    }

    @Test("On another connection nothing is foreign any more")
    func reconnects() {
        var window = DeliveryWindow()
        window.append(entry("1", .exactlyOnce), 1, logged: nil)
        window.resume([1, 2])
        window.beginResending()
        #expect(window.count == 1 && window.firstUnsent?.identifier == 1)
    }
}
