import NIOCore
import Testing

@testable import BrokerCluster

@Suite("Whether a NATS server is cut off from the others")
struct ServerDoubtTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func after(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }

    @Test("Without a majority's echoes the server is left, after twice as long each time up to a minute")
    func withoutLease() {
        var doubt = ServerDoubt()
        var left: [Int64] = []
        for second in 0...200 {
            let step = doubt.look(isAlone: false, holdsLease: false, isSomebodySilent: true, after(Int64(second)))
            if step == .leave { left.append(Int64(second)) }
        }
        #expect(left == [2, 7, 16, 33, 66, 127, 188])
    }

    @Test("A majority that hears not everybody asks JetStream, and stays if that answers", arguments: [true, false])
    func silentNode(answers: Bool) {
        var doubt = ServerDoubt()
        for second in 0...1 {
            let step = doubt.look(isAlone: false, holdsLease: true, isSomebodySilent: true, after(Int64(second)))
            #expect(step == .nothing)
        }
        #expect(doubt.look(isAlone: false, holdsLease: true, isSomebodySilent: true, after(2)) == .ask)
        #expect(doubt.look(isAlone: false, holdsLease: true, isSomebodySilent: true, after(3)) == .nothing)
        #expect(doubt.answered(answers, after(4)) == (answers ? .nothing : .leave))
        // It is asked again while the node is silent.
        let next = doubt.look(isAlone: false, holdsLease: true, isSomebodySilent: true, after(6))
        #expect(next == (answers ? .ask : .nothing))
    }

    @Test("Nothing is done once all are heard, and patience is short again then")
    func heardAgain() {
        var doubt = ServerDoubt()
        for second in 0...7 {
            _ = doubt.look(isAlone: false, holdsLease: false, isSomebodySilent: true, after(Int64(second)))
        }
        #expect(doubt.look(isAlone: false, holdsLease: true, isSomebodySilent: false, after(8)) == .nothing)
        _ = doubt.look(isAlone: false, holdsLease: false, isSomebodySilent: true, after(9))
        #expect(doubt.look(isAlone: false, holdsLease: false, isSomebodySilent: true, after(11)) == .leave)
    }

    @Test("An answer that comes after all are heard changes nothing, and who is alone cannot tell")
    func late() {
        var doubt = ServerDoubt()
        _ = doubt.look(isAlone: false, holdsLease: true, isSomebodySilent: true, after(0))
        #expect(doubt.look(isAlone: false, holdsLease: true, isSomebodySilent: true, after(2)) == .ask)
        _ = doubt.look(isAlone: false, holdsLease: true, isSomebodySilent: false, after(3))
        #expect(doubt.answered(false, after(4)) == .nothing)
        for second in 5...20 {
            let step = doubt.look(isAlone: true, holdsLease: false, isSomebodySilent: false, after(Int64(second)))
            #expect(step == .nothing)
        }
    }
}
