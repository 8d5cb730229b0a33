/// How far a shard has written what is alive into its log again, so that what lies before can be deleted.
struct LaneCleaning {
    /// The place of the next session.
    var place = 0
    /// The retained messages, which come last; `nil` before.
    var retained: RetainedLookUp?
}
