import NATSClient
import NIOCore
import Testing

@Suite struct VerbWriterTests {
    @Test("Each verb of a client has the form of the protocol") func forms() throws {
        let subject = try #require(Subject("a.b"))
        let reply = try #require(Subject("r"))
        let headers = HeaderBlock([("A", "b")])
        let payload = ByteBuffer(string: "hello")
        let verbs: [(Verb, String)] = [
            (.publish(Publication(to: subject, payload: payload)), "PUB a.b 5\r\nhello\r\n"),
            (.publish(Publication(to: subject, replyTo: reply)), "PUB a.b r 0\r\n\r\n"),
            (
                .publish(Publication(to: subject, replyTo: reply, headers: headers, payload: payload)),
                "HPUB a.b r 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n"
            ),
            (.subscribe(subject: subject.octets, queueGroup: nil, identifier: 12), "SUB a.b 12\r\n"),
            (.subscribe(subject: subject.octets, queueGroup: reply.octets, identifier: 100), "SUB a.b r 100\r\n"),
            (.unsubscribe(identifier: 9, after: nil), "UNSUB 9\r\n"),
            (.unsubscribe(identifier: 10, after: 3), "UNSUB 10 3\r\n"), (.ping, "PING\r\n"), (.pong, "PONG\r\n"),
            (.connect(ConnectOctets(json: ByteBuffer(string: "{}"))), "CONNECT {}\r\n"),
        ]
        for (verb, text) in verbs {
            var octets = ByteBuffer()
            octets.write(verb)
            #expect(String(buffer: octets) == text)
        }
    }
}
