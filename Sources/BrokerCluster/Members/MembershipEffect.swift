/// What a membership wants done.
package enum MembershipEffect: Sendable, Equatable {
    case tell(MembershipEvent)
    case publish(Heartbeat)
    /// Asks whether anybody listens on the node's subject, and says `noResponders` if nobody does.
    case ask(node: Int)
    /// Puts the number of the node and of its run on disk, and says `remembered`.
    case remember(node: Int, run: UInt64)
    /// Tries once to write the record if the key's revision is still the expected one, and says `written`.
    case write(MemberRecord, expecting: UInt64, attempt: UInt64)
    /// Tries once to delete a record if its revision is still the expected one, and says `removed`.
    case remove(node: Int, expecting: UInt64)
    /// Reads a record at the stream's leader, and says `record`.
    case read(node: Int)
    /// The node cannot be a member for now, for this reason, in a sentence.
    case refuse(String)
}
