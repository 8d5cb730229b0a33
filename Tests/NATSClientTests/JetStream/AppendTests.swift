import NATSClient
import NIOCore
import Testing

@Suite struct AppendTests {
    private func answer(_ json: String) throws -> AppendAnswer {
        Append.answer(.answer(Publication(to: try #require(Subject("r")), payload: ByteBuffer(string: json))))
    }

    private func error(_ code: Int, _ errorCode: Int) throws -> AppendAnswer {
        try answer(#"{"error":{"code":\#(code),"err_code":\#(errorCode),"description":"d"},"stream":"S","seq":0}"#)
    }

    @Test("An append has its condition and nothing else in its headers") func condition() throws {
        let append = Append(to: try #require(Subject("s")), expecting: 17, ByteBuffer(string: "x"))
        let headers = try #require(append.publication.headers)
        #expect(String(buffer: headers.octets) == "NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 17\r\n\r\n")
    }

    @Test("Each answer of JetStream is told from the others") func answers() throws {
        #expect(try answer(#"{"stream":"S","seq":4611686018427387904}"#) == .stored(4_611_686_018_427_387_904))
        #expect(try error(400, 10_071) == .sequenceIsAnother)
        #expect(try error(400, 10_164) == .busy)
        #expect(try error(503, 10_008) == .noAnswer(.unavailable))
        #expect(try error(503, 10_077) == .refused(JetStreamError(code: 503, errorCode: 10_077, text: "d")))
        #expect(Append.answer(.noResponders) == .noAnswer(.noResponders))
        #expect(Append.answer(.timedOut) == .noAnswer(.timedOut))
        #expect(Append.answer(.disconnected) == .noAnswer(.disconnected))
        for json in ["", "{}", "[]", "nonsense", #"{"seq":-1}"#] {
            guard case .refused = try answer(json) else {
                Issue.record("\(json) is taken for an answer")
                continue
            }
        }
    }

    @Test("The same append is tried again when the server was busy or silent, and only then") func pauses() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 1...200 {
            let busy = try #require(AppendAnswer.busy.pause(using: &random))
            #expect(busy >= .milliseconds(5) && busy <= .milliseconds(20))
        }
        #expect(AppendAnswer.noAnswer(.timedOut).pause(using: &random) == .zero)
        #expect(AppendAnswer.noAnswer(.noResponders).pause(using: &random) != nil)
        let refused = JetStreamError(code: 400, errorCode: 1, text: "")
        for answer in [AppendAnswer.stored(1), .sequenceIsAnother, .refused(refused)] {
            #expect(answer.pause(using: &random) == nil)
        }
    }
}
