import NATSClient
import Testing

@Suite struct ProbeResultTests {
    @Test("Only one that is stored and one that is refused for its sequence shows that servers fence") func results() {
        #expect(ProbeResult([.stored(1), .sequenceIsAnother]) == .fenced)
        #expect(ProbeResult([.sequenceIsAnother, .stored(1)]) == .fenced)
        #expect(ProbeResult([.stored(1), .stored(2)]) == .notFenced)
        for answers in [
            [AppendAnswer.stored(1), .noAnswer(.timedOut)], [.sequenceIsAnother, .sequenceIsAnother],
            [.busy, .stored(1)],
        ] { #expect(ProbeResult(answers) == .undecided(answers)) }
    }
}
