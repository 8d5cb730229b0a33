import MQTTCodec
import NIOCore
import Testing

/// The judgement on UTF-8 against that of the standard library.
@Suite struct TextTests {
    @Test("MQTT-1.5.4-1, MQTT-1.5.4-2, MQTT-3.3.2-2: topics of random octets")
    func judgesAsTheStandardLibrary() {
        var random = SeededGenerator(seed: 1)
        // Octets at which the rules change, so that many of the texts are valid and all of the rules are met.
        let edges: [UInt8] = [
            0x00, 0x01, 0x22, 0x23, 0x24, 0x2A, 0x2B, 0x2C, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1,
            0xC2,
            0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        var counts: [ReasonCode?: Int] = [:]
        var misjudged: [[UInt8]] = []
        for _ in 0..<20_000 {
            var topic: [UInt8] = []
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                topic += [UInt8](repeating: 0x61, count: Int.random(in: 0...9, using: &random))
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    topic.append(edges.randomElement(using: &random) ?? 0)
                }
            }
            topic.append(0x7A)
            topic += [UInt8](repeating: 0x62, count: Int.random(in: 0...8, using: &random))
            let verdict = Self.verdict(on: topic)
            if Self.refusal(of: topic) != verdict { misjudged.append(topic) }
            counts[verdict, default: 0] += 1
        }
        #expect(misjudged.isEmpty)
        #expect(counts.count == 3 && counts.values.allSatisfy { $0 > 100 })
    }

    @Test("Each octet in each place of a word", arguments: [1, 3, 4, 7, 8, 9, 15, 16, 17, 31])
    func looksAtEachOctet(length: Int) {
        var misjudged: [[UInt8]] = []
        for place in 0..<length {
            for octet in UInt8.min ... .max {
                var topic = [UInt8](repeating: 0x61, count: length)
                topic[place] = octet
                if Self.refusal(of: topic) != Self.verdict(on: topic) { misjudged.append(topic) }
            }
        }
        #expect(misjudged.isEmpty)
    }

    private static func refusal(of topic: [UInt8]) -> ReasonCode? {
        var buffer = ByteBuffer(bytes: [0x30, UInt8(topic.count + 2), 0, UInt8(topic.count)] + topic)
        var decoder = PacketDecoder(role: .server, maximumPacketSize: 128, version: .v3_1_1)
        do throws(CodecError) {
            _ = try decoder.next(from: &buffer)
            return nil
        } catch {
            return error.reasonCode
        }
    }

    private static func verdict(on topic: [UInt8]) -> ReasonCode? {
        guard let text = String(validating: topic, as: UTF8.self), !text.unicodeScalars.contains("\0") else {
            return .malformedPacket
        }
        return text.unicodeScalars.contains { $0 == "+" || $0 == "#" } ? .topicNameInvalid : nil
    }
}
