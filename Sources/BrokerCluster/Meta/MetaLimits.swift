package import NIOCore

/// Bounds of the meta lane, and times after which something is given up.
package struct MetaLimits: Sendable, Equatable {
    /// Octets of a record's name, 1 to 512: its base64url form has to fit into a subject of NATS.
    package var maximumName = 512
    /// Octets of a record's value.
    package var maximumValue = 16_384
    /// Octets of all names and values. The bucket in JetStream has the same bound, and its messages are longer than what is counted here, so
    /// that no bucket that a node has made holds more than each node keeps.
    package var maximumOctets = 16 << 20
    /// How long a change may take until it is stored. An election in JetStream takes up to 9 s: a change may fail in one.
    package var writePatience: TimeAmount = .seconds(5)
    /// How long is waited for the leader of the bucket to say what it has in place of a change that it refused.
    package var readPatience: TimeAmount = .seconds(2)

    package init() {}
}
