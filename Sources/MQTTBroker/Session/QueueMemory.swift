import Synchronization

/// Octets in memory of the messages that a shard keeps for durable sessions, each message once.
package final class QueueMemory: Sendable {
    // A message may be freed by another shard, which has looked it up as a retained one.
    private let count = Atomic<Int>(0)

    var octets: Int { count.load(ordering: .relaxed) }

    func add(_ octets: Int) { count.wrappingAdd(octets, ordering: .relaxed) }
}
