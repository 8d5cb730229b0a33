package import MQTTBroker

/// What a store tells a shard.
package enum CommitStoreEvent: Sendable {
    /// The oldest submission that was taken, and that the shard was not told of yet, is on disk, in a commit of this number.
    case committed(Int64)
    /// From here on only what frees space is taken, or everything is again.
    case suspended(Suspension?)
}
