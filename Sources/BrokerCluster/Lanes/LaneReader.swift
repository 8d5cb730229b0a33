package import NIOCore

/// Checks the replay of a lane up to the term record by which it was taken, without IO: each message says which one was before it, and
/// terms only grow. A lane that another run serves is read ahead, before there is that record.
package struct LaneReader {
    package let lane: Int
    /// Where the replay ends; `nil` as long as the lane is read ahead.
    package private(set) var term: LaneTerm?
    /// The sequence of the last message that came, and its term.
    package private(set) var sequence: UInt64 = 0
    private var current: UInt64 = 0
    /// Who wrote that message.
    private var writer: LaneLeader?

    package enum Step: Equatable, Sendable {
        /// Nothing is to be done: an earlier term record, or what stands behind the reader's own.
        case pass
        case batch(ByteBuffer)
        /// The reader's own term record: everything came.
        case complete
        /// A message before did not come: it was purged meanwhile, or is lost.
        case missing(UInt64)
        /// Another run has taken the lane behind the reader's own record.
        case fenced(by: LaneLeader)
        case damaged(String)
    }

    package init(_ term: LaneTerm) {
        lane = term.lane
        self.term = term
    }

    /// Reads a lane ahead.
    package init(ahead lane: Int) { self.lane = lane }

    /// The lane was taken. The record may have come before that was known.
    package mutating func take(_ term: LaneTerm) -> Step {
        self.term = term
        let position = term.position.sequence
        if sequence < position { return .pass }
        if sequence == position { return current == term.number ? .complete : notOwn(sequence) }
        return writer.map { .fenced(by: $0) } ?? .missing(position)
    }

    package mutating func receive(_ octets: ByteBuffer, at sequence: UInt64) -> Step {
        guard sequence > self.sequence else { return .pass }
        let message: LaneMessage
        do throws(LaneMessageError) {
            message = try LaneMessage(octets)
        } catch {
            return damaged("message \(sequence) \(error)")
        }
        if let end = term?.position.sequence, sequence > end { return .missing(end) }
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
        writer = message.leader
        let isEnd = sequence == term?.position.sequence
        switch message.content {
        case .batch(let batch): return isEnd ? notOwn(sequence) : .batch(batch)
        case .term: return !isEnd ? .pass : message.term == term?.number ? .complete : notOwn(sequence)
        }
    }

    private func notOwn(_ sequence: UInt64) -> Step {
        damaged("message \(sequence) is not the term record that it was")
    }

    private func damaged(_ detail: String) -> Step { .damaged("lane \(lane): \(detail)") }
}
