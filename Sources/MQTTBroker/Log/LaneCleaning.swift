/// How far a shard has written what is alive into its log again, so that what lies before can be deleted.
struct LaneCleaning {
    /// The place of the next session.
    var place = 0
    /// Octets of the queue there that may still become segments first; `nil` before any has.
    ///
    /// So the visit of a session ends, however fast its queue grows.
    var segmentable: Int?
    /// The retained messages, which come last; `nil` before.
    var retained: RetainedLookUp?
}
