import Foundation
import MQTTBroker
import MQTTCodec
import NIOCore
import Testing

@testable import martlet

@Suite struct StoreExportTests {
    private static let now = Instant(monotonic: .uptimeNanoseconds(9_000_000_000_000), wall: 1_700_000_000_000)

    private static var message: StoredMessage {
        var publish = Publish(
            topic: ByteBuffer(string: "fleet/7/é"),
            payload: ByteBuffer(bytes: [0, 255, 10, 13]),
            qos: .exactlyOnce
        )
        publish.properties.values.payloadIsUTF8 = false
        publish.properties.values.messageExpiryInterval = 60
        publish.properties.values.contentType = "text/plain \"\\\n"
        publish.properties.values.responseTopic = "answers"
        publish.properties.values.correlationData = ByteBuffer(bytes: [1, 0, 200])
        publish.properties.values.userProperties = [.init(name: "a", value: "1"), .init(name: "a", value: "2")]
        return StoredMessage(publish, expires: 1_700_000_060_000)
    }

    /// One of each kind, with everything that it can have.
    private static var items: [StoredItem] {
        var away = StoredSession(client: "away", expiryInterval: .max)
        away.awaySince = 1_699_999_999_999
        var will = Connect.Will(topic: ByteBuffer(string: "gone"), payload: ByteBuffer(string: "x"), qos: .atLeastOnce)
        will.properties.values.willDelayInterval = 30
        away.will = will
        away.willDue = 1_700_000_030_000
        let options = SubscriptionOptions(
            maximumQoS: .exactlyOnce,
            noLocal: true,
            retainAsPublished: true,
            retainHandling: .doNotSend
        )
        away.subscriptions = [
            .init(filter: "a/+/#", options: options, identifier: 7),
            .init(filter: "b", options: SubscriptionOptions(), identifier: 0),
        ]
        away.received = [1, 65_535]
        away.orphaned = [4, 4]
        let content = StoredDelivery.Content(
            message: message,
            qos: .atLeastOnce,
            retain: true,
            subscriptionIdentifiers: [7, 268_435_455]
        )
        var retained = message
        retained.publish.retain = true
        return [
            .lane(StoredLane(number: 3, passed: 8, sources: [7: 5, 63: 1])),
            .outgoing(StoredOutgoing(lane: 3, number: 9, publisher: .max, message: message)),
            .session(away),
            .delivery(StoredDelivery(client: "away", packetIdentifier: 3, content: content)),
            .delivery(StoredDelivery(client: "away", packetIdentifier: 2, content: nil)),
            .delivery(StoredDelivery(client: "away", packetIdentifier: nil, content: content)),
            .session(StoredSession(client: "present", expiryInterval: 60)),
            .retained(retained),
        ]
    }

    private static func lines(of commit: ByteBuffer) throws -> Data {
        var export = StoreExport(now: now)
        try export.read(commit)
        var lines = Data()
        try export.write(segment: { _ in nil }) { lines += $0 }
        return lines
    }

    private static func commit(of lines: Data) throws -> ByteBuffer {
        var reading = StoreImport(now: now)
        var commit = ByteBuffer()
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            if var next = try reading.read(line) { commit.writeBuffer(&next) }
        }
        if var last = try reading.finish() { commit.writeBuffer(&last) }
        return commit
    }

    @Test("Each kind of line is what it was after it was written and read") func lines() throws {
        let encoder = JSONEncoder()
        for line in Self.items.map({ StoreLine.item($0) }) + [.format(version: 1), .end(items: 7)] {
            #expect(try JSONDecoder().decode(StoreLine.self, from: encoder.encode(line)) == line)
        }
    }

    @Test("The export of an import of an export is equal, octet by octet") func roundTrip() throws {
        var writer = StoreWriter(now: Self.now)
        for item in Self.items { try writer.add(item) }
        let commit = writer.takeCommit()
        let first = try Self.lines(of: try #require(commit))
        #expect(first.filter { $0 == UInt8(ascii: "\n") }.count == Self.items.count + 2)
        #expect(try Self.lines(of: Self.commit(of: first)) == first)
    }

    @Test("The form of version 1") func form() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        func text(_ line: StoreLine) throws -> String { String(decoding: try encoder.encode(line), as: UTF8.self) }
        #expect(try text(.format(version: 1)) == #"{"format":"martlet-store","version":1}"#)
        let session = StoredSession(client: "a", expiryInterval: 60)
        let written =
            #"{"client":"a","expiry_interval":60,"kind":"session","orphaned":[],"received":[],"subscriptions":[]}"#
        #expect(try text(.item(.session(session))) == written)
        let publish = Publish(topic: ByteBuffer(string: "t/1"), payload: ByteBuffer(string: "x"), retain: true)
        let retained = #"{"kind":"retained","message":{"payload":"eA==","qos":0,"retain":true,"topic":"t/1"}}"#
        #expect(try text(.item(.retained(StoredMessage(publish, expires: nil)))) == retained)
    }

    @Test(
        "A file that is not one of ours is refused with the line and a sentence",
        arguments: [
            ("", "line 1: the file ends here, and its last line is missing: it is cut off"),
            ("hello", "line 1: is not JSON"),
            ("[]", "line 1: is no object of JSON"),
            ("{}", "line 1: kind is missing"),
            (#"{"format":"other","version":1}"#, "line 1: format: is not martlet-store"),
            (
                #"{"format":"martlet-store","version":2}"#,
                "line 1: the file has version 2, and this Martlet reads up to 1"
            ),
            (#"{"kind":"end","items":0}"#, #"line 1: is not {"format":"martlet-store","version":1}"#),
            ("FIRST\n", "line 2: the file ends here, and its last line is missing: it is cut off"),
            ("FIRST\nFIRST", "line 2: only the first line says the format"),
            ("FIRST\n{\"kind\":\"end\",\"items\":1}", "line 2: 1 lines should come before, not 0"),
            ("FIRST\n{\"kind\":\"end\",\"items\":0}\nFIRST", "line 3: only the first line says the format"),
            ("FIRST\n{\"kind\":\"retained\"}", "line 2: message is missing"),
            (
                #"FIRST\#n{"kind":"retained","message":{"topic":"a","payload":"?","qos":0,"retain":true}}"#,
                "line 2: message.payload: Encountered Data is not valid Base64."
            ),
            (
                #"FIRST\#n{"kind":"retained","message":{"topic":"a","payload":"","qos":3,"retain":true}}"#,
                "line 2: message.qos: is 0, 1 or 2"
            ),
            (
                #"FIRST\#n{"kind":"retained","message":{"topic":"a/#","payload":"","qos":1,"retain":true}}"#,
                "line 2: the message is none that a client can have sent"
            ),
            (#"FIRST\#n{"kind":"message","client":"a","packet_identifier":70000}"#, nil),
        ]
    )
    func refusals(text: String, sentence: String?) {
        let text = text.replacing("FIRST", with: #"{"format":"martlet-store","version":1}"#)
        let error = #expect(throws: StoreImport.Failure.self) { try Self.commit(of: Data(text.utf8)) }
        if let sentence {
            #expect(error?.description == sentence)
        } else {
            #expect(error?.description.hasPrefix("line 2: ") == true)
        }
    }
}
