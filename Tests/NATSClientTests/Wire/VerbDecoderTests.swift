import NATSClient
import NIOCore
import Testing

@Suite struct VerbDecoderTests {
    private func read(_ text: String, as role: VerbDecoder.Role = .client, _ limits: VerbLimits = VerbLimits()) throws
        -> [Verb]
    {
        var octets = ByteBuffer(string: text)
        let decoder = VerbDecoder(role: role, limits: limits)
        var verbs: [Verb] = []
        while let verb = try decoder.next(from: &octets) { verbs.append(verb) }
        #expect(octets.readableBytes == 0)
        return verbs
    }

    private func refusal(_ text: String, as role: VerbDecoder.Role = .client, _ limits: VerbLimits = VerbLimits())
        -> String?
    {
        do {
            _ = try read(text, as: role, limits)
            return nil
        } catch {
            return (error as? VerbError)?.detail
        }
    }

    @Test("Messages have their subject, reply subject, headers and payload") func messages() throws {
        let verbs = try read("MSG a.b 9 5\r\nhello\r\nHMSG c 10 _INBOX.x.1 22 24\r\nNATS/1.0\r\nName: v \r\n\r\nhi\r\n")
        guard case .message(9, let plain) = verbs[0], case .message(10, let headed) = verbs[1] else {
            Issue.record("\(verbs)")
            return
        }
        #expect(plain == Publication(subject: ByteBuffer(string: "a.b"), payload: ByteBuffer(string: "hello")))
        #expect(headed.replyTo == ByteBuffer(string: "_INBOX.x.1") && headed.payload == ByteBuffer(string: "hi"))
        #expect(headed.headers?.value(of: "Name") == "v" && headed.headers?.status == nil)
        #expect(headed.headers?.value(of: "name") == nil, "names are compared as they are written")
    }

    @Test("A payload is a slice of what was read") func slices() throws {
        let content = String(repeating: "x", count: 2_000)
        var octets = ByteBuffer(string: "MSG a 1 2000\r\n\(content)\r\n")
        let start = octets.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        guard case .message(_, let publication)? = try VerbDecoder(role: .client).next(from: &octets) else {
            Issue.record("no message")
            return
        }
        let payload = publication.payload.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(payload == start + 14)
    }

    @Test("Names may be written in either case, and fields separated by several spaces or tabs") func forms() throws {
        #expect(try read("ping\r\nPoNg\r\n+ok\r\n") == [.ping, .pong, .ok])
        let expected = Verb.subscribe(
            subject: ByteBuffer(string: "a.*"),
            queueGroup: ByteBuffer(string: "g"),
            identifier: 7
        )
        #expect(try read("SUB\t a.*  g\t7 \r\n", as: .server) == [expected])
    }

    @Test("The text of an error is without its quotation marks") func errors() throws {
        #expect(
            try read("-ERR 'Authorization Violation'\r\n") == [.error(ByteBuffer(string: "Authorization Violation"))]
        )
    }

    @Test("An incomplete verb is left where it is") func incomplete() throws {
        for text in ["", "MS", "MSG a 1 5", "MSG a 1 5\r\nhell", "MSG a 1 5\r\nhello\r", "INFO {"] {
            var octets = ByteBuffer(string: text)
            #expect(try VerbDecoder(role: .client).next(from: &octets) == nil)
            #expect(octets == ByteBuffer(string: text))
        }
    }

    @Test(
        "What is no verb of NATS is an error",
        arguments: [
            ("PINGS\r\n", "an unknown verb"), ("SUBSCRIBE", "an unknown verb"), ("\r\n", "an unknown verb"),
            ("PING\n", "a line feed without a carriage return"),
            ("MSG a 1\r\n", "a verb with too few or too many fields"),
            ("MSG a 1 b c 0\r\n", "a verb with too few or too many fields"),
            ("MSG a b 0\r\n\r\n", "a number that is none, or out of range"),
            ("MSG a 1 -1\r\n", "a number that is none, or out of range"),
            ("MSG a 1 18446744073709551617\r\n", "a number that is none, or out of range"),
            ("HMSG a 1 9 8\r\n", "a number that is none, or out of range"),
            ("MSG a 1 2\r\nhello\r\n", "a payload that does not end where it should"),
            ("HMSG a 1 12 12\r\nNATS/2.0\r\n\r\n\r\n", "headers that have not the form of NATS/1.0"),
            ("HMSG a 1 15 15\r\nNATS/1.0\r\na:b\r\n\r\n", "headers that have not the form of NATS/1.0"),
            ("PUB a 0\r\n\r\n", "a verb that this side does not receive"),
        ]
    )
    func refused(_ text: String, _ detail: String) { #expect(refusal(text) == detail) }

    @Test("Each bound holds at its value, and refuses beyond it before anything is buffered") func bounds() throws {
        var limits = VerbLimits()
        (limits.controlLine, limits.jsonLine, limits.headers, limits.payload) = (24, 48, 12, 16)
        let subject = String(repeating: "a", count: 24 - "MSG  1 0\r\n".utf8.count)
        #expect(try read("MSG \(subject) 1 0\r\n\r\n", limits).count == 1)
        #expect(refusal("MSG \(subject)a 1 0\r\n", as: .client, limits) == "a control line over its maximum length")
        #expect(
            refusal("MSG " + String(repeating: "a", count: 20), as: .client, limits)
                == "a control line over its maximum length"
        )
        let json = String(repeating: "j", count: 48 - "INFO \r\n".utf8.count)
        #expect(try read("INFO \(json)\r\n", limits).count == 1)
        #expect(refusal("INFO \(json)j\r\n", as: .client, limits) == "a control line over its maximum length")
        #expect(try read("MSG a 1 16\r\n0123456789abcdef\r\n", limits).count == 1)
        #expect(refusal("MSG a 1 17\r\n", as: .client, limits) == "a message over the maximum payload")
        #expect(try read("HMSG a 1 12 12\r\nNATS/1.0\r\n\r\n\r\n", limits).count == 1)
        #expect(refusal("HMSG a 1 13 14\r\n", as: .client, limits) == "headers over their maximum size")
    }

    private func read(_ text: String, _ limits: VerbLimits) throws -> [Verb] { try read(text, as: .client, limits) }
}
