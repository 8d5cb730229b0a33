import NIOCore

/// The heartbeats that a process has sent, so that an echo of one tells when it was sent.
struct OwnHeartbeats {
    private var sent: [NIODeadline] = []
    /// The number of the last one.
    private(set) var number: UInt64 = 0
    /// When the newest one was sent that came back by the NATS server.
    private(set) var newestReturn: NIODeadline?
    /// Heartbeats of an earlier run, which are no echo of this one.
    private var first: UInt64 = 1

    /// Heartbeats that are remembered; an older one's echo is none.
    static let maximum = 256

    /// The number of the next one, which is sent now.
    mutating func next(_ now: NIODeadline) -> UInt64 {
        number += 1
        if sent.count < Self.maximum {
            sent.append(now)
        } else {
            sent[index(number)] = now
        }
        return number
    }

    private func index(_ number: UInt64) -> Int { Int((number - 1) % UInt64(Self.maximum)) }

    /// When a heartbeat was sent; `nil` if it is too old or never was sent.
    func sendTime(of number: UInt64) -> NIODeadline? {
        guard number >= first, number <= self.number, self.number - number < UInt64(Self.maximum) else { return nil }
        return sent[index(number)]
    }

    /// One of them came back.
    mutating func returned(_ number: UInt64) {
        guard let time = sendTime(of: number) else { return }
        newestReturn = max(newestReturn ?? time, time)
    }

    /// Echoes of what was sent so far do not count any more.
    mutating func forget() {
        first = number + 1
        newestReturn = nil
    }
}
