package import NIOCore

/// Checks what a reader that does not lead a lane gets of it, without IO: each message says which one was before it, and terms only grow.
package struct LaneFollower {
    /// The sequence of the last message that came, and its term.
    private var sequence: UInt64 = 0
    private var term: UInt64 = 0

    package enum Step: Equatable, Sendable {
        /// A term record.
        case pass
        case batch(ByteBuffer)
        /// Messages before did not come, since the lane was cleaned: all that came of it is to be forgotten, and what follows is enough.
        case anew(ByteBuffer?)
        case damaged(String)
    }

    package init() {}

    package mutating func receive(_ octets: ByteBuffer, at sequence: UInt64) -> Step {
        do throws(LaneMessageError) {
            let message = try LaneMessage(octets)
            guard message.previous < sequence, message.term >= term,
                message.previous >= self.sequence || self.sequence == 0
            else { return .damaged("message \(sequence) does not follow message \(self.sequence)") }
            let isContiguous = self.sequence == 0 || message.previous == self.sequence
            (self.sequence, term) = (sequence, message.term)
            switch message.content {
            case .term: return isContiguous ? .pass : .anew(nil)
            case .batch(let batch): return isContiguous ? .batch(batch) : .anew(batch)
            }
        } catch {
            return .damaged("message \(sequence) \(error)")
        }
    }
}
