import NATSClient
import NIOCore
import Testing

@Suite struct HeaderBlockTests {
    private func headers(_ text: String) throws -> HeaderBlock? {
        var octets = ByteBuffer(string: "HMSG a 1 \(text.utf8.count) \(text.utf8.count)\r\n\(text)\r\n")
        guard case .message(_, let publication)? = try VerbDecoder(role: .client).next(from: &octets) else {
            return nil
        }
        return publication.headers
    }

    @Test("A status has three digits, and a text may follow") func status() throws {
        let unheard = try #require(try headers("NATS/1.0 503\r\n\r\n"))
        #expect(unheard.status == 503 && unheard.statusText.isEmpty)
        let beat = try #require(try headers("NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Stream: 9\r\n\r\n"))
        #expect(beat.status == 100 && beat.statusText == "Idle Heartbeat" && beat.value(of: "Nats-Last-Stream") == "9")
        #expect(try headers("NATS/1.0 99\r\n\r\n")?.status == nil)
        #expect(try headers("NATS/1.0 5030\r\n\r\n")?.status == nil)
        #expect(try headers("NATS/1.0\r\n\r\n")?.status == nil)
    }

    @Test("Fields are written as they are read") func fields() throws {
        let written = HeaderBlock([("One", "1"), ("Two", "b c")])
        #expect(String(buffer: written.octets) == "NATS/1.0\r\nOne: 1\r\nTwo: b c\r\n\r\n")
        #expect(written.value(of: "One") == "1" && written.value(of: "Two") == "b c" && written.value(of: "On") == nil)
    }

    @Test("A field with a line break cannot be smuggled in") func breaks() {
        let written = HeaderBlock([("One", "1\r\nTwo: 2"), ("a:b", "c"), ("", "d"), ("Three", "3")])
        #expect(String(buffer: written.octets) == "NATS/1.0\r\nThree: 3\r\n\r\n")
    }
}
