import NIOCore

/// Something that a shard looks at again at a certain instant. It names its target by value: a deadline whose target
/// has moved on finds nothing, and is let go.
struct Deadline: Comparable {
    let instant: NIODeadline
    let target: Target

    enum Target {
        case connection(slot: Int, number: UInt64)
        case will(UTF8Key, session: UInt64, absence: UInt64)
        case sessionExpiry(UTF8Key, session: UInt64, absence: UInt64)
        case retained(topic: ByteBuffer)
    }

    static func < (lhs: Self, rhs: Self) -> Bool { lhs.instant < rhs.instant }
    static func == (lhs: Self, rhs: Self) -> Bool { lhs.instant == rhs.instant }
}
