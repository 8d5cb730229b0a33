/// What the lanes of one event loop have done since it began.
package struct LaneCounters: Equatable, Sendable {
    /// Batches that were stored, and their octets.
    package var appends = 0
    package var octets = 0
    /// Microseconds from handing a batch in until it was stored, all together.
    package var appendMicroseconds = 0
    /// Attempts to append after the first one.
    package var retries = 0
    /// Answers that the last message of a lane is another one (10071).
    package var otherSequences = 0
    /// Answers that an append to the lane was being applied (10164).
    package var busy = 0
    /// Attempts that were not answered.
    package var unanswered = 0
    /// Attempts that were refused for another reason, such as a full stream.
    package var refused = 0
    /// Lanes that were taken, and those that could not be.
    package var taken = 0
    package var takesFailed = 0
    /// Lanes that another run took from this one.
    package var fenced = 0
    /// Lanes that were lost or damaged.
    package var lost = 0
    /// Batches that were replayed, and their octets.
    package var replayed = 0
    package var replayedOctets = 0
    /// Messages that were purged.
    package var purged = 0

    package init() {}

    /// The counters by the names of their metrics, `martlet_lanes_NAME_total`.
    package static let names: [(name: String, path: any WritableKeyPath<LaneCounters, Int> & Sendable)] = [
        ("appends", \.appends),
        ("octets", \.octets),
        ("append_microseconds", \.appendMicroseconds),
        ("retries", \.retries),
        ("other_sequences", \.otherSequences),
        ("busy", \.busy),
        ("unanswered", \.unanswered),
        ("refused", \.refused),
        ("taken", \.taken),
        ("takes_failed", \.takesFailed),
        ("fenced", \.fenced),
        ("lost", \.lost),
        ("replayed", \.replayed),
        ("replayed_octets", \.replayedOctets),
        ("purged", \.purged),
    ]
}
