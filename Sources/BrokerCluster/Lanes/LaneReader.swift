package import NIOCore

/// Checks the replay of a lane up to the term record by which it was taken, without IO: each message says which one was before it, and
/// terms only grow.
package struct LaneReader {
    package let term: LaneTerm
    /// The sequence of the last message that came, and its term.
    package private(set) var sequence: UInt64 = 0
    private var current: UInt64 = 0

    package enum Step: Equatable, Sendable {
        /// Nothing is to be done: an earlier term record, or what stands behind the reader's own.
        case pass
        case batch(ByteBuffer)
        /// The reader's own term record: everything came.
        case complete
        /// A message before did not come: it was purged meanwhile, or is lost.
        case missing(UInt64)
        case damaged(String)
    }

    package init(_ term: LaneTerm) { self.term = term }

    package mutating func receive(_ octets: ByteBuffer, at sequence: UInt64) -> Step {
        guard sequence > self.sequence else { return .pass }
        let message: LaneMessage
        do throws(LaneMessageError) {
            message = try LaneMessage(octets)
        } catch {
            return damaged("message \(sequence) \(error)")
        }
        guard sequence <= term.position.sequence else { return .missing(term.position.sequence) }
        guard message.previous < sequence, message.previous >= self.sequence || self.sequence == 0 else {
            return damaged("message \(sequence) says that message \(message.previous) is before it")
        }
        // What was purged is missing at the beginning, and nowhere else.
        if self.sequence > 0, message.previous != self.sequence { return .missing(message.previous) }
        let isRecord = if case .term = message.content { true } else { false }
        guard isRecord ? message.term > current : current == 0 || message.term == current else {
            return damaged("message \(sequence) is of term \(message.term), behind term \(current)")
        }
        self.sequence = sequence
        current = message.term
        switch message.content {
        case .batch(let batch): return sequence < term.position.sequence ? .batch(batch) : notOwn(sequence)
        case .term:
            return sequence < term.position.sequence
                ? .pass : message.term == term.number ? .complete : notOwn(sequence)
        }
    }

    private func notOwn(_ sequence: UInt64) -> Step {
        damaged("message \(sequence) is not the term record that it was")
    }

    private func damaged(_ detail: String) -> Step { .damaged("lane \(term.lane): \(detail)") }
}
