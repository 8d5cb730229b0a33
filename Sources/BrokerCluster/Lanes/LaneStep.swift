package import NIOCore

/// What is to be done next for a lane. There is one thing at a time, and its outcome is told before there is another.
package enum LaneStep<Outcome: Sendable>: Sendable {
    /// Append on condition; then `answered`.
    case append(expecting: UInt64, ByteBuffer)
    /// Ask the stream's leader for the lane's last message; then `read`.
    case readLast
    /// Wait; then `resume`.
    case wait(TimeAmount)
    case done(Outcome)

    /// The same with another outcome, or what the outcome leads to.
    func then<Other>(_ next: (Outcome) -> LaneStep<Other>) -> LaneStep<Other> {
        switch self {
        case .append(let expecting, let octets): .append(expecting: expecting, octets)
        case .readLast: .readLast
        case .wait(let time): .wait(time)
        case .done(let outcome): next(outcome)
        }
    }
}
