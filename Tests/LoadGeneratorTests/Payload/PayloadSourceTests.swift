import NIOCore
import Testing

@testable import LoadGenerator

@Suite("Payloads")
struct PayloadSourceTests {
    @Test("With a size alone (-s), the payload is that many letters a")
    func size() throws {
        let body = try PayloadSource.Body(try BenchOptions(.pub, ["-t", "t", "-s", "3"]))
        var source = PayloadSource(body, headers: [])
        let counter = MessageCounter(stream: 0)
        #expect(String(buffer: source.next(counter)) == "aaa")
    }

    @Test("Headers come first, in their order, and count from 0")
    func headers() {
        var source = PayloadSource(.fixed(ByteBuffer(string: "x")), headers: [.cnt64, .ts, .tsMicroseconds])
        let counter = MessageCounter(stream: 0)
        let before = WallClock.now
        for expected in 0..<3 as Range<UInt64> {
            var payload = source.next(counter)
            #expect(payload.readInteger(as: UInt64.self) == expected)
            let milliseconds = payload.readInteger(as: UInt64.self) ?? 0
            let microseconds = payload.readInteger(as: UInt64.self) ?? 0
            #expect(milliseconds >= before / 1_000_000)
            #expect(microseconds / 1000 == milliseconds)
            #expect(String(buffer: payload) == "x")
        }
    }

    @Test("A payload that is kept does not change with the next one")
    func kept() {
        var source = PayloadSource(.fixed(ByteBuffer(string: "x")), headers: [.cnt64])
        let counter = MessageCounter(stream: 0)
        let first = source.next(counter)
        _ = source.next(counter)
        #expect(first.getInteger(at: 0, as: UInt64.self) == 0)
    }

    @Test("A large payload is stamped in place once the one before is gone, and copied while that is in flight")
    func stampedInPlace() {
        let head = ByteBuffer(repeating: UInt8(ascii: "a"), count: 100_000)
        var source = PayloadSource(.stamped(StampedPayload(head: head, unit: 1, form: .json)), headers: [])
        let counter = MessageCounter(stream: 0)
        var first: ByteBuffer? = source.next(counter)
        let inFlight = first?.storageAddress
        #expect(source.next(counter).storageAddress != inFlight)
        first = nil
        let gone = source.next(counter).storageAddress
        #expect(source.next(counter).storageAddress == gone)
        let last = source.next(counter)
        #expect(last.getSlice(at: 0, length: head.readableBytes) == head)
        #expect(UInt64(String(buffer: last).dropFirst(head.readableBytes).dropLast()) != nil)
    }

    @Test(
        "Topics of one stream share a counter, whose numbers tell the stream; a payload without cnt64 takes no number"
    )
    func counters() {
        let counter = MessageCounter(stream: 3)
        var counted = PayloadSource(.fixed(ByteBuffer()), headers: [.cnt64])
        var other = counted
        var uncounted = PayloadSource(.fixed(ByteBuffer(string: "x")), headers: [])
        var numbers: [UInt64] = []
        for _ in 0..<2 {
            for payload in [counted.next(counter), uncounted.next(counter), other.next(counter)] {
                if let number = ReceivedHeaders([.cnt64], of: payload).counter { numbers.append(number) }
            }
        }
        #expect(numbers == (0..<4).map { 3 << 48 + $0 })
        #expect(numbers.allSatisfy { MessageCounter.stream(of: $0) == 3 })
    }

    @Test("A subscriber reads counter and latency from the headers, and nothing from a payload that is too short")
    func receivedHeaders() {
        let microsecond = WallClock.now / 1000
        var payload = ByteBuffer()
        payload.writeInteger(UInt64(7))
        payload.writeInteger(microsecond - 5000)
        let headers = ReceivedHeaders([.cnt64, .tsMicroseconds], of: payload)
        #expect(headers.counter == 7)
        #expect((headers.latency ?? 0) >= 5000)
        let short = ReceivedHeaders([.cnt64, .ts], of: ByteBuffer(string: "short"))
        #expect(short.counter == nil)
        #expect(short.latency == nil)
    }

    @Test("A clock that is behind gives no negative latency")
    func skew() {
        var payload = ByteBuffer()
        payload.writeInteger(UInt64.max)
        #expect(ReceivedHeaders([.ts], of: payload).latency == 0)
    }

    @Test("Every variable of a template is replaced, wherever and however often it stands")
    func template() {
        let template = PayloadTemplate(
            "%UNIQUE%,%UNIQUE% %TIMESTAMP%=%TIMESTAMPMS% %TIMESTAMPUS% %TIMESTAMPNS% 100% %NONE%",
            randomSize: 0
        )
        var buffer = ByteBuffer()
        template.write(into: &buffer, now: 1_234_567_890_123, unique: 42)
        #expect(String(buffer: buffer) == "42,42 1234567=1234567 1234567890 1234567890123 100% %NONE%")
        let random = PayloadTemplate("<%RANDOM%>", randomSize: 5)
        buffer.clear()
        random.write(into: &buffer, now: 0, unique: 0)
        #expect(buffer.readableBytes == 7)
    }

    @Test("A template that cannot be read is an error that names it")
    func missingTemplate() throws {
        let options = try BenchOptions(.pub, ["-t", "t", "-m", "template:///nowhere/at/all"])
        #expect(throws: UsageError("cannot read the template /nowhere/at/all")) { try PayloadSource.Body(options) }
    }
}
