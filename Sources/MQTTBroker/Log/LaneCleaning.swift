/// How far a shard has written what is alive into its log again, so that what lies before can be deleted.
struct LaneCleaning {
    /// The place of the next session.
    var place = 0
    /// Octets of the queue of the session at `place` that may still become segments before the session is written; `nil` before any
    /// has. So the visit of a session ends, however fast the queue grows.
    var segmentable: Int?
    /// The retained messages, which come last; `nil` before.
    var retained: RetainedLookUp?
}
