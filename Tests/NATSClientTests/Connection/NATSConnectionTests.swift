import NATSClient
import NIOCore
import SecretFixture
import Testing

@Suite struct NATSConnectionTests {
    private func subject(_ text: String) throws -> Subject { try #require(Subject(text)) }

    @Test("INFO is answered by CONNECT, the inbox and PING, and PONG completes the handshake") func handshake() throws {
        var script = Script { $0.credentials = .password(user: "u", password: "p\"w") }
        script.connection.opened(script.now)
        #expect(script.written().isEmpty, "the server begins")
        script.say("INFO \(Script.info)\r\n")
        let said = script.written()
        #expect(said.hasPrefix("CONNECT {") && said.hasSuffix("}\r\nSUB _INBOX.inbox.* 1\r\nPING\r\n"))
        for field in [
            #""user":"u""#, #""pass":"p\"w""#, #""headers":true"#, #""no_responders":true"#, #""verbose":false"#,
            #""tls_required":false"#, #""protocol":1"#,
        ] { #expect(said.contains(field)) }
        #expect(script.effects().isEmpty && script.connection.server == nil)
        script.say("PONG\r\n")
        #expect(script.effects() == ["ready nats-0"] && script.connection.server?.maximumPayload == 1_024)
    }

    @Test("A token goes as auth_token") func token() {
        var script = Script { $0.credentials = .token("t") }
        script.connection.opened(script.now)
        script.say("INFO \(Script.info)\r\n")
        let said = script.written()
        #expect(said.contains(#""auth_token":"t""#) && !said.contains("user"))
    }

    @Test("A key signs the nonce of INFO, beside its public text or its JWT") func keys() throws {
        let key = try #require(UserKey(seed: "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"))
        let info = Script.info.replacing("{", with: #"{"nonce":"n1","#)
        for (credentials, present, absent) in [
            (Credentials.key(key), "\"nkey\":\"\(key.publicText)\"", "jwt"),
            (.certified(jwt: "head.body.tail", key), #""jwt":"head.body.tail""#, "nkey"),
        ] {
            var script = Script { $0.credentials = credentials }
            script.connection.opened(script.now)
            script.say("INFO \(info)\r\n")
            let said = script.written()
            #expect(said.contains(present) && said.contains(#""sig":""#) && !said.contains(absent))
        }
    }

    @Test("A key is of no use at a server that gives nothing to sign") func unsigned() throws {
        let key = try #require(UserKey(seed: "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"))
        var script = Script { $0.credentials = .key(key) }
        script.connection.opened(script.now)
        script.say("INFO \(Script.info)\r\n")
        #expect(script.effects() == ["closed: the NATS server has no users with keys (nkeys or accounts with JWTs)"])
        #expect(script.written().isEmpty)
    }

    @Test("No description shows the password or the token") func secrets() {
        for credentials in [Credentials.password(user: "u", password: Marker.text), .token(Marker.text)] {
            var script = Script { $0.credentials = credentials }
            #expect(!Marker.isShown(by: script.connection.configuration) && !Marker.isShown(by: credentials))
            script.connection.opened(script.now)
            script.say("INFO \(Script.info)\r\n")
            script.say("-ERR 'Authorization Violation'\r\n")
            script.connection.ended(.transport("closed"))
            #expect(!script.effects().joined().contains(Marker.text))
        }
    }

    @Test("Credentials that are longer than a server reads are refused") func longCredentials() {
        var script = Script { $0.credentials = .token(String(repeating: "t", count: 4_096)) }
        script.connection.opened(script.now)
        script.say("INFO \(Script.info)\r\n")
        #expect(script.effects() == ["closed: the credentials are longer than a NATS server reads (4086 octets)"])
    }

    @Test(
        "An older server is refused with what there is and what is needed",
        arguments: ["2.9.10", "2.10.27", "2.14.0", "2.15.0-RC.1", "dev"]
    )
    func oldServer(_ version: String) {
        var script = Script()
        script.connection.opened(script.now)
        script.say("INFO \(Script.info.replacing("2.15.1", with: version))\r\n")
        let said = script.effects()
        #expect(said.count == 1 && said[0].contains("version \(version), and 2.15.0 or newer is needed"))
        #expect(script.written().isEmpty, "it is told no credentials")
    }

    @Test("A server without headers, and one that speaks something else, is refused") func otherServers() {
        let headless = "INFO \(Script.info.replacing("\"headers\":true", with: "\"headers\":false"))\r\n"
        for (said, reason) in [
            (headless, "closed: the NATS server has headers switched off (no_header_support), and they are needed"),
            ("INFO {}\r\n", "closed: the server does not begin with an INFO of NATS"),
            ("HTTP/1.1 400 Bad Request\r\n", "closed: the server sends an unknown verb"),
        ] {
            var script = Script()
            script.connection.opened(script.now)
            script.say(said)
            #expect(script.effects() == [reason])
        }
    }

    @Test("TLS begins after INFO in the clear, and CONNECT comes behind it") func tls() {
        var script = Script { $0.requiresTLS = true }
        let info = Script.info.replacing("{", with: #"{"tls_required":true,"#)
        script.connection.opened(script.now)
        script.say("INFO \(info)\r\n")
        #expect(script.effects() == ["TLS"] && script.written().isEmpty)
        script.connection.secured(script.now)
        #expect(script.written().contains(#""tls_required":true"#))
    }

    @Test("Octets between INFO and TLS end the connection") func octetsBeforeTLS() {
        var script = Script { $0.requiresTLS = true }
        let info = Script.info.replacing("{", with: #"{"tls_available":true,"#)
        script.connection.opened(script.now)
        script.say("INFO \(info)\r\nPONG\r\n")
        #expect(script.effects() == ["closed: the server sends octets before TLS that only may come after it"])
    }

    @Test("Both sides have to agree on TLS") func tlsDisagreement() {
        var wanting = Script { $0.requiresTLS = true }
        wanting.connection.opened(wanting.now)
        wanting.say("INFO \(Script.info)\r\n")
        #expect(wanting.effects() == ["closed: the NATS server has no TLS, which is asked for"])
        var plain = Script()
        plain.connection.opened(plain.now)
        plain.say("INFO \(Script.info.replacing("{", with: #"{"tls_required":true,"#))\r\n")
        #expect(plain.effects() == ["closed: the NATS server requires TLS, which is not asked for"])
        #expect(plain.written().isEmpty, "no credentials in the clear")
    }

    @Test("-ERR before the end of a connection is why it ended") func refused() {
        var script = Script()
        script.connection.opened(script.now)
        script.say("INFO \(Script.info)\r\n-ERR 'Authorization Violation'\r\n")
        script.connection.ended(.transport("closed"))
        #expect(
            script.effects() == [
                "complained Authorization Violation", "closed: the NATS server refuses: Authorization Violation",
            ]
        )
    }

    @Test("A server that does not answer CONNECT is given up") func handshakeTimeout() {
        var script = Script()
        script.connection.opened(script.now)
        #expect(script.connection.nextDeadline == script.now + .seconds(5))
        script.wait(.milliseconds(4_999))
        #expect(script.effects().isEmpty)
        script.wait(.milliseconds(1))
        #expect(script.effects() == ["closed: the NATS server does not answer to CONNECT"])
        #expect(script.connection.nextDeadline == .distantFuture)
    }

    @Test("PING is answered, and silence is followed by PINGs and then by the end") func liveness() {
        var script = Script()
        script.connect()
        script.say("PING\r\n")
        #expect(script.written() == "PONG\r\n")
        for _ in 1...3 {
            script.wait(.seconds(1))
            #expect(script.written() == "PING\r\n")
        }
        script.say("PONG\r\n")
        for _ in 1...3 { script.wait(.seconds(1)) }
        #expect(script.effects().isEmpty && script.written() == "PING\r\nPING\r\nPING\r\n")
        script.wait(.seconds(1))
        #expect(script.effects() == ["closed: the NATS server does not answer to PING"])
    }

    @Test("A process that was paused asks before it gives up a connection") func paused() {
        var script = Script()
        script.connect()
        script.wait(.seconds(60))
        #expect(script.effects().isEmpty && script.written() == "PING\r\n")
    }

    @Test("Messages go to their subscription until it ends") func messages() throws {
        var script = Script()
        script.connect()
        let first = script.connection.subscribe(try subject("a.*"))
        _ = script.connection.subscribe(try subject("b"), queueGroup: try subject("g"))
        #expect(script.written() == "SUB a.* 2\r\nSUB b g 3\r\n")
        script.say("MSG a.x 2 3\r\none\r\nMSG b 3 3\r\ntwo\r\nMSG c 9 5\r\nthree\r\n")
        #expect(script.effects() == ["message one", "message two"])
        script.connection.unsubscribe(first)
        script.say("MSG a.x 2 3\r\none\r\n")
        #expect(script.written() == "UNSUB 2\r\n" && script.effects().isEmpty)
    }

    @Test("Subscriptions are made again on the next connection, and nothing older is sent on it") func reconnect()
        throws
    {
        var script = Script()
        let first = script.connection.subscribe(try subject("a"))
        _ = script.connection.subscribe(try subject("b"))
        script.connect()
        try script.connection.publish(Publication(to: try subject("x")))
        script.connection.ended(.transport("closed"))
        script.connection.unsubscribe(first)
        script.connection.opened(script.now)
        script.say("INFO \(Script.info)\r\n")
        let said = script.written()
        #expect(said.hasSuffix("}\r\nSUB _INBOX.inbox.* 1\r\nSUB b 3\r\nPING\r\n") && !said.contains("PUB"))
    }

    @Test("Requests share one inbox, and each answer finds its request, once") func requests() throws {
        var script = Script()
        script.connect()
        let question = Publication(to: try subject("q"), payload: ByteBuffer(string: "?"))
        for _ in 1...2 { _ = try script.connection.request(question, deadline: script.now + .seconds(1)) }
        #expect(script.written() == "PUB q _INBOX.inbox.1 1\r\n?\r\nPUB q _INBOX.inbox.2 1\r\n?\r\n")
        script.say("MSG _INBOX.inbox.2 1 1\r\nB\r\nMSG _INBOX.inbox.2 1 1\r\nC\r\nMSG _INBOX.inbox.1 1 1\r\nA\r\n")
        script.say("MSG _INBOX.inbox.x 1 1\r\nD\r\nMSG _INBOX.other.1 1 1\r\nE\r\n")
        #expect(script.effects() == ["answer B", "answer A"] && script.connection.outstandingRequests == 0)
    }

    @Test("Status 503 says that there are no responders") func noResponders() throws {
        var script = Script()
        script.connect()
        _ = try script.connection.request(Publication(to: try subject("q")), deadline: script.now + .seconds(1))
        script.say("HMSG _INBOX.inbox.1 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n")
        #expect(script.effects() == ["no responders"])
    }

    @Test("A request ends at its deadline, or with its connection") func deadlines() throws {
        var script = Script()
        script.connect()
        let question = Publication(to: try subject("q"))
        _ = try script.connection.request(question, deadline: script.now + .milliseconds(300))
        _ = try script.connection.request(question, deadline: script.now + .milliseconds(200))
        #expect(script.connection.nextDeadline == script.now + .milliseconds(200))
        script.wait(.milliseconds(200))
        #expect(script.effects() == ["timed out"])
        script.say("MSG _INBOX.inbox.2 1 1\r\nB\r\n")
        #expect(script.effects().isEmpty, "too late")
        script.connection.ended(.transport("closed"))
        #expect(script.effects() == ["disconnected", "closed: closed"])
    }

    @Test("Nothing is sent without a connection, beyond the maximum payload, or with too many requests") func refusals()
        throws
    {
        var script = Script { $0.maximumRequests = 2 }
        let deadline = script.now + .seconds(1)
        let small = Publication(to: try subject("a"))
        let large = Publication(to: try subject("a"), payload: ByteBuffer(repeating: 0, count: 1_025))
        #expect(throws: SendFailure.notConnected) { try script.connection.publish(small) }
        #expect(throws: SendFailure.notConnected) { try script.connection.request(small, deadline: deadline) }
        script.connect()
        #expect(throws: SendFailure.tooLarge(maximum: 1_024)) { try script.connection.publish(large) }
        #expect(throws: SendFailure.tooLarge(maximum: 1_024)) {
            try script.connection.request(large, deadline: deadline)
        }
        #expect(script.written().isEmpty && script.connection.outstandingRequests == 0)
        for _ in 1...2 { _ = try script.connection.request(small, deadline: deadline) }
        #expect(throws: SendFailure.tooManyRequests) { try script.connection.request(small, deadline: deadline) }
    }

    @Test("A large payload is written as it is, in one message") func largePayloads() throws {
        var script = Script()
        script.connect(info: Script.info.replacing("1024", with: "1048576"))
        let payload = ByteBuffer(repeating: UInt8(ascii: "x"), count: 100_000)
        let headers = HeaderBlock([("A", "b")])
        try script.connection.publish(Publication(to: try subject("a"), headers: headers, payload: payload))
        try script.connection.publish(Publication(to: try subject("b")))
        let start = payload.withUnsafeReadableBytes { $0.baseAddress }
        let pieces = script.connection.takeOutput()
        #expect(pieces.contains { $0.withUnsafeReadableBytes { $0.baseAddress } == start }, "not copied")
        let text = pieces.map { String(buffer: $0) }.joined()
        #expect(text == "HPUB a 18 100018\r\nNATS/1.0\r\nA: b\r\n\r\n\(String(buffer: payload))\r\nPUB b 0\r\n\r\n")
    }

    @Test("Another INFO tells of addresses and of a lame duck, each once") func otherInfo() {
        var script = Script()
        script.connect()
        let info = Script.info.replacing("{", with: #"{"connect_urls":["h:1"],"#)
        script.say("INFO \(info)\r\nINFO \(info)\r\n")
        #expect(script.effects() == [#"informed ["h:1"]"#])
        script.say("INFO \(info.replacing("{", with: #"{"ldm":true,"#))\r\n")
        script.say("INFO \(info.replacing("{", with: #"{"ldm":true,"#))\r\n")
        #expect(script.effects() == ["lame duck"])
    }

    @Test("Messages may arrive in any pieces") func pieces() throws {
        let text = "MSG a 2 5\r\nhello\r\nPING\r\nHMSG a 2 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"
        for size in 1...text.utf8.count {
            var script = Script()
            script.connect()
            _ = script.connection.subscribe(try subject("a"))
            _ = script.written()
            var octets = ByteBuffer(string: text)
            while let piece = octets.readSlice(length: min(size, octets.readableBytes)), piece.readableBytes > 0 {
                script.connection.receive(piece, script.now)
            }
            #expect(script.effects() == ["message hello", "message hi"] && script.written() == "PONG\r\n")
        }
    }

    // MARK: A server that is cut off

    /// A connection that asks whether its server is cut off.
    private func asking() throws -> Script {
        let presence = try subject("here")
        var script = Script { $0.presence = presence }
        script.connect()
        return script
    }

    /// Lets time pass, with an answer to each PING and, if there is one, to each question.
    private func wait(seconds: Int, _ script: inout Script, answer: ((String) -> String)?) -> [String] {
        var effects: [String] = []
        for _ in 0..<seconds * 8 {
            script.wait(.milliseconds(125))
            script.say("PONG\r\n")
            let questions = script.written().split(separator: "\r\n").filter { $0.hasPrefix("PUB here ") }
            if let answer, let question = questions.last {
                script.say(answer(String(question.split(separator: " ")[2])))
            }
            effects += script.effects()
        }
        return effects
    }

    private static func reply(to inbox: String) -> String { "MSG \(inbox) 1 0\r\n\r\n" }
    private static func noResponders(to inbox: String) -> String { "HMSG \(inbox) 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n" }

    @Test("A server by which another connection of the process is not reached is left", arguments: [true, false])
    func cutOff(isSilent: Bool) throws {
        var script = try asking()
        #expect(wait(seconds: 5, &script, answer: Self.reply).isEmpty, "nobody else has asked")
        let answer: ((String) -> String)? = isSilent ? nil : { Self.noResponders(to: $0) }
        let effects = wait(seconds: 4, &script, answer: answer)
        #expect(effects == ["closed: \(ConnectionFailure.cutOff)"])
    }

    @Test("A server stays while the other connection is away for a moment only") func away() throws {
        var script = try asking()
        _ = wait(seconds: 1, &script, answer: Self.reply)
        for _ in 0..<5 {
            #expect(wait(seconds: 1, &script, answer: Self.noResponders).isEmpty)
            #expect(wait(seconds: 1, &script, answer: Self.reply).isEmpty)
        }
    }

    @Test("Nothing is concluded where there never was an answer, as for a user who may not ask") func forbidden() throws
    {
        var script = try asking()
        #expect(wait(seconds: 10, &script, answer: nil).isEmpty)
    }

    @Test("Without another connection nothing is asked") func unwanted() {
        var script = Script()
        script.connect()
        script.wait(.seconds(1))
        #expect(!script.written().contains("PUB"))
    }
}
