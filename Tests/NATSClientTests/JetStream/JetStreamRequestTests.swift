import Foundation
import NATSClient
import NIOCore
import Testing

@Suite struct JetStreamRequestTests {
    private func fields(_ octets: ByteBuffer) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(octets.readableBytesView)) as? [String: Any])
    }

    private func reply(_ json: String) throws -> Reply {
        .answer(Publication(to: try #require(Subject("r")), payload: ByteBuffer(string: json)))
    }

    @Test("A stream is created with the settings of a log") func create() throws {
        var stream = StreamConfiguration(name: "S", subjects: ["a.*"], replicas: 3)
        stream.maximumBytes = 1_000
        let request = JetStreamRequest.create(stream)
        #expect(request.subject.description == "$JS.API.STREAM.CREATE.S")
        let fields = try fields(request.payload)
        let expected: [String: String] = [
            "name": "S", "storage": "file", "discard": "new", "retention": "limits", "compression": "none",
            "num_replicas": "3", "max_bytes": "1000", "deny_delete": "1", "allow_direct": "0",
            "duplicate_window": "100000000", "max_age": "0", "max_msgs": "-1",
        ]
        for (name, value) in expected {
            #expect("\(fields[name] ?? "missing")" == value || fields[name] as? Bool == (value == "1"), "\(name)")
        }
        #expect(JetStreamRequest.update(stream).subject.description == "$JS.API.STREAM.UPDATE.S")
    }

    @Test("Requests for the last message and for purging name the subject") func bodies() throws {
        let subject = try #require(Subject("a.7"))
        let last = JetStreamRequest.last(of: subject, in: "S")
        #expect(last.subject.description == "$JS.API.STREAM.MSG.GET.S")
        #expect(String(buffer: last.payload) == #"{"last_by_subj":"a.7"}"#)
        let next = try fields(JetStreamRequest.next(of: subject, from: 3, in: "S").payload)
        #expect(next["next_by_subj"] as? String == "a.7" && next["seq"] as? Int == 3)
        let purge = JetStreamRequest.purge(subject, in: "S", before: 9)
        #expect(purge.subject.description == "$JS.API.STREAM.PURGE.S")
        let body = try fields(purge.payload)
        #expect(body["filter"] as? String == "a.7" && body["seq"] as? Int == 9)
    }

    @Test("Answers are values, errors, or not known") func answers() throws {
        let request = JetStreamRequest.info(of: "S")
        #expect(request.payload.readableBytes == 0)
        let json = """
            {"config":{"name":"S","subjects":["a"],"num_replicas":3,"new_option":{}},
             "state":{"messages":1,"bytes":2,"first_seq":3,"last_seq":4},
             "cluster":{"leader":"nats-1","replicas":[{"name":"nats-0","current":true,"offline":true}]}}
            """
        let info = try request.answer(to: reply(json)).get()
        #expect(info.state.lastSequence == 4 && info.cluster?.leader == "nats-1" && info.config.replicas == 3)
        #expect(info.cluster?.replicas?.first?.offline == true)
        let missing = #"{"error":{"code":404,"err_code":10059,"description":"stream not found"}}"#
        #expect(
            throws: JetStreamFailure.refused(JetStreamError(code: 404, errorCode: 10_059, text: "stream not found"))
        ) {
            try request.answer(to: reply(missing)).get()
        }
        #expect(throws: JetStreamFailure.malformed) { try request.answer(to: reply("{}")).get() }
        #expect(throws: JetStreamFailure.malformed) { try request.answer(to: reply("")).get() }
        #expect(throws: JetStreamFailure.noAnswer(.timedOut)) { try request.answer(to: .timedOut).get() }
        #expect(throws: JetStreamFailure.noAnswer(.noResponders)) { try request.answer(to: .noResponders).get() }
    }

    @Test("A message that was asked for has its octets and headers") func lastMessage() throws {
        let headers = Data("NATS/1.0\r\nA: b\r\n\r\n".utf8).base64EncodedString()
        let json =
            #"{"message":{"subject":"a.7","seq":12,"hdrs":"\#(headers)","data":"aGVsbG8=","time":"2026-01-01T00:00:00Z"}}"#
        let request = JetStreamRequest.last(of: try #require(Subject("a.7")), in: "S")
        let message = try request.answer(to: reply(json)).get()
        #expect(message.sequence == 12 && message.payload == ByteBuffer(string: "hello"))
        #expect(message.headers?.value(of: "A") == "b")
    }
}
