import NATSClient
import NIOCore
import Testing

@Suite struct OrderedConsumerTests {
    private let now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func delivery(_ sequence: Int, _ delivery: Int, pending: Int, prefix: String = "S.c") throws -> Publication
    {
        let reply: Subject = try #require(
            Subject("$JS.ACK.\(prefix).1.\(sequence).\(delivery).1700000000000000000.\(pending)")
        )
        return Publication(to: try #require(Subject("a")), replyTo: reply, payload: ByteBuffer(string: "\(sequence)"))
    }

    private func status(_ line: String, reply: String? = nil) throws -> Publication {
        let text = "NATS/1.0 \(line)\r\n\r\n"
        var octets = ByteBuffer(
            string: "HMSG d 1 \(reply.map { "\($0) " } ?? "")\(text.utf8.count) \(text.utf8.count)\r\n\(text)\r\n"
        )
        guard case .message(_, let publication)? = try VerbDecoder(role: .client).next(from: &octets) else {
            throw VerbErrorInTest()
        }
        return publication
    }

    private struct VerbErrorInTest: Error {}

    private func sequences(_ events: [OrderedConsumer.Event]) -> [UInt64] {
        events.compactMap { if case .message(let message) = $0 { message.sequence } else { nil } }
    }

    private func begun(_ start: ReplayStart = .first) throws -> OrderedConsumer {
        var consumer = OrderedConsumer(stream: "S", filters: ["a"], start: start)
        _ = consumer.begin(deliverTo: try #require(Subject("d.1")), now)
        return consumer
    }

    @Test("The consumer is ephemeral, pushed, with flow control") func request() throws {
        var consumer = OrderedConsumer(stream: "S", filters: ["a", "b"], start: .sequence(5))
        let request = consumer.begin(deliverTo: try #require(Subject("d.1")), now)
        #expect(request.subject.description == "$JS.API.CONSUMER.CREATE.S")
        let body = String(buffer: request.payload)
        for field in [
            #""deliver_subject":"d.1""#, #""opt_start_seq":5"#, #""flow_control":true"#,
            #""idle_heartbeat":1000000000"#,
            #""ack_policy":"none""#, #""filter_subjects":["a","b"]"#, #""mem_storage":true"#,
        ] { #expect(body.contains(field), "\(field) in \(body)") }
    }

    @Test("Messages come out in order, and the last of those that were stored is followed by `current`, once")
    func order() throws {
        var consumer = try begun()
        #expect(sequences(consumer.receive(try delivery(3, 1, pending: 1), now)) == [3])
        let last = consumer.receive(try delivery(7, 2, pending: 0, prefix: "_.hash.S.c"), now)
        #expect(sequences(last) == [7] && last.last == .current)
        #expect(consumer.receive(try delivery(8, 3, pending: 0), now).count == 1)
        #expect(consumer.lastSequence == 8)
    }

    @Test("A gap makes a new consumer begin behind the last message") func gap() throws {
        var consumer = try begun()
        _ = consumer.receive(try delivery(3, 1, pending: 5), now)
        #expect(consumer.receive(try delivery(5, 3, pending: 3), now) == [.restart])
        let request = consumer.begin(deliverTo: try #require(Subject("d.2")), now)
        #expect(String(buffer: request.payload).contains(#""opt_start_seq":4"#))
        #expect(sequences(consumer.receive(try delivery(4, 1, pending: 1), now)) == [4])
    }

    @Test("A heartbeat tells of messages that were lost, and one that tells of none changes nothing") func heartbeats()
        throws
    {
        var consumer = try begun()
        _ = consumer.receive(try delivery(3, 1, pending: 0), now)
        #expect(consumer.receive(try status("100 Idle Heartbeat\r\nNats-Last-Consumer: 1"), now).isEmpty)
        #expect(consumer.receive(try status("100 Idle Heartbeat\r\nNats-Last-Consumer: 2"), now) == [.restart])
    }

    @Test("Flow control is answered, also where a heartbeat repeats it") func flowControl() throws {
        var consumer = try begun()
        #expect(
            consumer.receive(try status("100 FlowControl Request", reply: "fc.1"), now) == [
                .goOn(ByteBuffer(string: "fc.1"))
            ]
        )
        let stalled = try status("100 Idle Heartbeat\r\nNats-Last-Consumer: 0\r\nNats-Consumer-Stalled: fc.2")
        #expect(consumer.receive(stalled, now) == [.goOn(ByteBuffer(string: "fc.2"))])
    }

    @Test("A consumer that is not heard of, or deleted, is replaced") func silence() throws {
        var consumer = try begun()
        #expect(consumer.nextDeadline == now + .seconds(3) && consumer.advance(now + .milliseconds(2_999)).isEmpty)
        #expect(consumer.advance(now + .seconds(3)) == [.restart])
        #expect(consumer.receive(try status("409 Consumer Deleted"), now) == [.restart])
    }

    @Test("What is no delivery is not taken for one") func others() throws {
        var consumer = try begun()
        for reply in ["r", "$JS.ACK.S.c.1.x.1.1.0", "$JS.ACK.S.c.1.1.1.0", "$JS.ACK.a.b.c.d.e.f.g.h.i.j.k.l"] {
            let subject: Subject = try #require(Subject(reply))
            let publication = Publication(to: subject, replyTo: subject)
            #expect(consumer.receive(publication, now).isEmpty)
        }
    }
}
