package import NIOCore

/// Bounds of lanes, and times after which something is done.
package struct LaneLimits: Sendable, Equatable {
    /// Octets of one batch at most. NATS servers take messages of 1 MB by default (`max_payload`).
    package var maximumBatch = 512 << 10
    /// How long taking a lane may take until its term record is stored, and how long its replay may be without progress. An election in
    /// JetStream takes up to 9 s.
    package var takeTimeout: TimeAmount = .seconds(30)
    /// How long the lane's last message may be older than what was acknowledged before the lane counts as lost: a leader of the stream
    /// that was cut off may still answer for a while.
    package var doubt: TimeAmount = .seconds(15)
    /// After so long an append in flight makes its lane suspended.
    package var suspension: TimeAmount = .seconds(1)
    /// Lanes of one stream that are taken within this time are replayed together.
    package var gathering: TimeAmount = .milliseconds(20)
    /// Messages of a lane that another run serves that may be unread when the lane is taken.
    package var tail = 16

    package init() {}
}
