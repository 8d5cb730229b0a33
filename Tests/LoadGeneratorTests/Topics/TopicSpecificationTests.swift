import Foundation
import NIOCore
import Testing

@testable import LoadGenerator

@Suite("Files of topics")
struct TopicSpecificationTests {
    private func read(_ text: String, isQUIC: Bool = true) throws -> [TopicSpecification] {
        let path = FileManager.default.temporaryDirectory.appending(path: "topics-\(UUID().uuidString).json").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        do throws(UsageError) {
            return try TopicSpecification.read(path, isQUIC: isQUIC)
        } catch {
            throw UsageError(error.description.replacing(path, with: "FILE"))
        }
    }

    private static func topic(_ changes: [String: String] = [:], without missing: String? = nil) -> String {
        var fields = [
            "name": "\"t/%i\"", "interval_ms": "\"100\"", "inject_timestamp": "false", "QoS": "1",
            "payload_encoding": "\"json\"", "payload": #"{"a": "b"}"#, "stream": "2", "stream_priority": "200",
        ]
        for (key, value) in changes { fields[key] = value }
        if let missing { fields[missing] = nil }
        let body = fields.map { key, value in "\"\(key)\": \(value)" }.joined(separator: ",")
        return "{\"topics\": [{\(body)}]}"
    }

    private static func options() throws -> BenchOptions {
        try BenchOptions(.pub, ["-t", "t", "--prefix", "p", "-n", "6"])
    }

    private func payload(_ changes: [String: String], headers: [PayloadHeader] = []) throws -> ByteBuffer {
        let identity = ClientIdentity(index: 0, options: try Self.options())
        let specification = try #require(try read(Self.topic(changes)).first)
        var source = PayloadSource(specification.body(for: identity), headers: specification.headers(headers))
        return source.next(MessageCounter(stream: 0))
    }

    @Test("The peer's example")
    func example() throws {
        let text = """
            {"topics" : [
              {"name": "Topic1/%i", "retain": true, "interval_ms": "100", "inject_timestamp" : true, "QoS": 1,
               "payload_encoding": "eterm", "payload": {"foo1" : "bar1", "timestamp": "0", "Data": "%p10"},
               "stream" : 0, "stream_priority": 200, "render": "Data"},
              {"name": "Topic2/%i", "interval_ms": "5000", "inject_timestamp" : "ms", "QoS": 1,
               "payload_encoding": "eterm",
               "payload": {"foo2" : "bar2", "timestamp": "0", "VIN" : "VIN", "Data": "%p2500"},
               "stream" : 0, "stream_priority": 8, "render": "Data"}
            ]}
            """
        for isQUIC in [true, false] {
            let topics = try read(text, isQUIC: isQUIC)
            #expect(topics.map(\.name) == ["Topic1/%i", "Topic2/%i"])
            #expect(topics.map(\.retain) == [true, false])
            #expect(topics.map(\.interval) == [100_000_000, 5_000_000_000])
            #expect(topics.map(\.timestampUnit) == [1_000_000, 1_000_000])
            let flows = FlowPlan.flows(topics, try Self.options())
            #expect(flows.map(\.stream) == [0, 0])
            #expect(flows.map(\.delay) == [100_000_000, 5_000_000_000])
        }
    }

    @Test("Streams take the highest priority of their topics")
    func priorities() throws {
        let one = Self.topic().dropFirst("{\"topics\": [".count).dropLast(2)
        let two = one.replacing("200", with: "8")
        let three = two.replacing("\"stream\": 2", with: "\"stream\": 3")
        let flows = FlowPlan.flows(try read("{\"topics\": [\(one),\(two),\(three)]}"), try Self.options())
        #expect(flows.map(\.stream) == [2, 2, 3])
        #expect(flows.map(\.priority) == [200, 200, 8])
    }

    @Test(
        "A large payload is encoded once, before any client connects, unless it names the client",
        arguments: ["%p100": true, "text": true, "%i": false, "of %c": false]
    )
    func encodedOnce(template: String, isShared: Bool) throws {
        for encoding in ["\"json\"", "\"eterm\""] {
            let changes = ["payload": "{\"d\": \"\(template)\"}", "render": "\"d\"", "payload_encoding": encoding]
            let options = try Self.options()
            let flow = try #require(FlowPlan.flows(try read(Self.topic(changes)), options).first)
            let payloads = (0..<2).map { index in
                var source = flow.payload.source(for: ClientIdentity(index: index, options: options))
                return source.next(MessageCounter(stream: 0))
            }
            #expect((payloads[0].storageAddress == payloads[1].storageAddress) == isShared)
            #expect((payloads[0] == payloads[1]) == isShared)
        }
    }

    @Test("JSON: keys in order, variables replaced, the time last")
    func json() throws {
        let plain = try payload([
            "payload": #"{"b": [1, 2.5, true, null], "a": "%i-%c \"q\"\n", "timestamp": "0"}"#, "render": "\"a\"",
        ])
        #expect(
            String(buffer: plain)
                == #"{"a":"7-p_bench_pub_7 \"q\"\u000a","b":[1,2.5,true,null],"timestamp":"0"}"#
        )
        for (unit, divisor) in [("\"s\"", 1_000_000_000), ("true", 1_000_000), ("\"us\"", 1000), ("\"ns\"", 1)]
            as [(String, UInt64)]
        {
            let before = WallClock.now / divisor
            let stamped = try payload(["inject_timestamp": unit])
            let object = try JSONDecoder().decode(JSONValue.self, from: Data(stamped.readableBytesView))
            guard case .object(let fields) = object, case .integer(let time)? = fields["timestamp"] else {
                Issue.record("\(object)")
                continue
            }
            #expect(UInt64(time) >= before && UInt64(time) <= WallClock.now / divisor)
            #expect(fields["a"] == .string("b"))
        }
        // As many octets as emqtt_bench's pages have, in letters, since its numbers are no JSON.
        let padded = try payload(["payload": #"{"d": "%p2"}"#, "render": "\"d\""])
        #expect(padded.readableBytes == 8192 + #"{"d":""}"#.utf8.count)
    }

    @Test("Erlang's external term format")
    func eterm() throws {
        let plain = try payload([
            "payload_encoding": "\"eterm\"",
            "payload": #"{"a": "xy", "i": [1, 300, -1, 5000000000], "n": null, "t": true, "f": 1.5, "e": []}"#,
        ])
        // term_to_binary of the same map.
        #expect(
            Array(plain.readableBytesView) == [
                131, 116, 0, 0, 0, 6,
                109, 0, 0, 0, 1, 0x61, 109, 0, 0, 0, 2, 0x78, 0x79,
                109, 0, 0, 0, 1, 0x65, 106,
                109, 0, 0, 0, 1, 0x66, 70, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0,
                109, 0, 0, 0, 1, 0x69, 108, 0, 0, 0, 4, 97, 1, 98, 0, 0, 1, 44, 98, 255, 255, 255, 255,
                110, 5, 0, 0x00, 0xF2, 0x05, 0x2A, 0x01, 106,
                109, 0, 0, 0, 1, 0x6E, 119, 4, 0x6E, 0x75, 0x6C, 0x6C,
                109, 0, 0, 0, 1, 0x74, 119, 4, 0x74, 0x72, 0x75, 0x65,
            ]
        )
        var padded = try payload(
            [
                "payload_encoding": "\"eterm\"", "payload": #"{"d": "%p1", "timestamp": 0}"#, "render": "\"d\"",
                "inject_timestamp": "\"s\"",
            ],
            headers: [.cnt64]
        )
        #expect(padded.readInteger(as: UInt64.self) == 0)
        #expect(padded.readBytes(length: 12) == [131, 116, 0, 0, 0, 2, 109, 0, 0, 0, 1, 0x64])
        #expect(padded.readBytes(length: 5) == [109, 0, 0, 16, 0])
        for number in 1...512 as ClosedRange<UInt64> { #expect(padded.readInteger(as: UInt64.self) == number) }
        #expect(padded.readBytes(length: 14) == [109, 0, 0, 0, 9] + Array("timestamp".utf8))
        #expect(padded.readInteger(as: UInt8.self) == 98)  // until 2038
        #expect(padded.readableBytes == 4)
    }

    @Test(
        "Mistakes name the topic, the key and what is allowed",
        arguments: [
            ("{}", "FILE: expected a JSON object with a list 'topics'"),
            ("{\"topics\": [3]}", "FILE: topic 1: expected an object"),
            (topic(["name": "\"a/#\""]), "FILE: topic 1: bad value \"a/#\" for 'name': a topic without + and #"),
            (topic(["QoS": "3"]), "FILE: topic 1: bad value 3 for 'QoS': 0 to 2"),
            (topic(without: "QoS"), "FILE: topic 1: 'QoS' required: 0 to 2"),
            (
                topic(["interval_ms": "\"soon\""]),
                "FILE: topic 1: bad value \"soon\" for 'interval_ms': milliseconds, 0 to 86400000"
            ),
            (
                topic(["payload_encoding": "\"xml\""]),
                "FILE: topic 1: bad value \"xml\" for 'payload_encoding': \"eterm\" or \"json\""
            ),
            (
                topic(["inject_timestamp": "\"min\""]),
                "FILE: topic 1: bad value \"min\" for 'inject_timestamp': true, false, \"s\", \"ms\", \"us\" or \"ns\""
            ),
            (topic(["stream": "-1"]), "FILE: topic 1: bad value -1 for 'stream': 0 to 65534"),
            (topic(["stream_priority": "65536"]), "FILE: topic 1: bad value 65536 for 'stream_priority': 0 to 65535"),
            (topic(["render": "\"z\""]), "FILE: topic 1: bad value \"z\" for 'render': a text of the payload"),
            (
                topic(["payload": "{\"a\": \"%px\"}", "render": "\"a\""]),
                "FILE: topic 1: bad value '%px' for 'a': %p and the number of pages, 1 to 65535"
            ),
        ]
    )
    func mistakes(text: String, message: String) {
        #expect(throws: UsageError(message)) { try read(text) }
    }

    @Test("Without QUIC there is stream 0 only")
    func withoutStreams() {
        #expect(throws: UsageError("FILE: topic 1: bad value 2 for 'stream': 0 to 0")) {
            try read(Self.topic(), isQUIC: false)
        }
    }

    @Test("Topics of the command line take the streams in turn; one that changes is on all of them")
    func flows() throws {
        let words = ["--quic", "--streams", "2", "-I", "10", "-t", "a", "-t", "b", "-t", "c"]
        let plan = try LoadPlan(try BenchOptions(.pub, words))
        #expect(plan.flows.map(\.stream) == [1, 2, 1])
        #expect(plan.flows.map(\.interval) == [10_000_000, 10_000_000, 10_000_000])
        let changing = try LoadPlan(
            try BenchOptions(.pub, ["--quic", "--streams", "3", "-I", "10", "-t", "a/%rand_9"])
        )
        #expect(changing.flows.map(\.stream) == [1, 2, 3])
        #expect(changing.flows.map(\.interval) == [30_000_000, 30_000_000, 30_000_000])
        #expect(changing.flows.map(\.delay) == [0, 10_000_000, 20_000_000])
        #expect(try LoadPlan(try BenchOptions(.pub, ["-t", "a"])).flows.map(\.stream) == [0])
    }
}
