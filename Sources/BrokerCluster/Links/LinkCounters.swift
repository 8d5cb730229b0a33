/// What the links of one event loop have done since it began.
package struct LinkCounters: Equatable, Sendable {
    /// Messages, and frames and octets with them, that were sent for the first time.
    package var messagesSent = 0
    package var framesSent = 0
    package var octetsSent = 0
    /// Frames that were sent again.
    package var framesRepeated = 0
    /// Frames with an acknowledgement and nothing else.
    package var acknowledgementsSent = 0
    /// Messages, frames and octets that came in order.
    package var messagesReceived = 0
    package var framesReceived = 0
    package var octetsReceived = 0
    /// Frames that had come already.
    package var duplicates = 0
    /// Frames that came before one that was missing, and were dropped.
    package var gaps = 0
    /// Times that no acknowledgement came in time.
    package var timeouts = 0
    /// Frames of runs or links that are over, or not known yet.
    package var strangers = 0
    /// Frames that cannot be read.
    package var malformed = 0
    /// Links that began anew.
    package var resets = 0
    /// Messages that were dropped: those that waited at a reset, or were for a node without a link.
    package var dropped = 0

    package init() {}

    /// The counters by the names of their metrics, `martlet_links_NAME_total`.
    package static let names: [(name: String, path: any WritableKeyPath<LinkCounters, Int> & Sendable)] = [
        ("messages_sent", \.messagesSent),
        ("frames_sent", \.framesSent),
        ("octets_sent", \.octetsSent),
        ("frames_repeated", \.framesRepeated),
        ("acknowledgements_sent", \.acknowledgementsSent),
        ("messages_received", \.messagesReceived),
        ("frames_received", \.framesReceived),
        ("octets_received", \.octetsReceived),
        ("duplicates", \.duplicates),
        ("gaps", \.gaps),
        ("timeouts", \.timeouts),
        ("strangers", \.strangers),
        ("malformed", \.malformed),
        ("resets", \.resets),
        ("dropped", \.dropped),
    ]
}
