package import NIOCore

/// Bounds of links, and times after which something is done.
package struct LinkLimits: Sendable, Equatable {
    /// Octets of one frame at most, its head included. Larger messages go in parts.
    package var maximumFrame = 512 << 10
    /// Octets of one message at most (`cluster.max_message`).
    package var maximumMessage = 16 << 20
    /// Octets that wait for a shard beyond which `ShardLinks.send` returns false: those that were not sent, and those that were sent and
    /// not acknowledged.
    package var maximumOctets = 8 << 20
    /// Octets that wait for a shard beyond which the link breaks: what waits is dropped, and the owner is told.
    package var hardMaximumOctets = 64 << 20
    /// Octets that a receiver lets be on the way to it by one link.
    package var window = 4 << 20
    /// How long an acknowledgement waits for a frame that it can go with.
    package var acknowledgementDelay: TimeAmount = .milliseconds(50)
    /// After so long without an acknowledgement frames are sent again; doubled from time to time up to `longestTimeout`.
    package var timeout: TimeAmount = .milliseconds(200)
    package var longestTimeout: TimeAmount = .seconds(2)

    package init() {}

    /// Octets that may be on the way before the receiver was heard of: what each receiver has to let.
    package static let initialWindow = 1 << 20
}
