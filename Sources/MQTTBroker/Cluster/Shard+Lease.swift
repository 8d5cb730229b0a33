import MQTTCodec
package import NIOCore

// While others may not hear of this node, a publisher's message at QoS 1 and 2 waits with its acknowledgement, a SUBSCRIBE with its SUBACK,
// and what a lane has committed with its hand-over: others may have subscribers by then that this node does not know, and do not wait
// for it.
extension Shard {
    /// The node has heard of enough others: none of them can have suspected it without its noticing, until some time. Told to shard 0.
    package mutating func renewLease(until end: NIODeadline, now: Instant) {
        guard neighbours != nil else { return }
        broadcast(.cluster(.lease(end)))
        hasLease(until: end, now: now)
        drainLocal(now: now)
    }

    mutating func hasLease(until end: NIODeadline, now: Instant) {
        if lanes.lease.renew(until: end, now.monotonic) {
            let question = lanes.lease.ask(trustedNodes)
            tellEverybody(.cluster(.asks(own, question)))
        }
        regainLease(now: now)
    }

    /// A shard of another node wants to know that it has been told everything: what this one has told stands before the answer.
    mutating func answer(_ question: UInt64, of shard: ShardReference) {
        guard shard.node != own.node else { return }
        tellEverybody(.cluster(.answers(own, to: shard, question)))
    }

    /// A shard of another node has told everything.
    mutating func answered(_ question: UInt64, by shard: ShardReference, to asker: ShardReference, now: Instant) {
        guard asker == own else { return }
        lanes.lease.answered(question, by: shard.node)
        regainLease(now: now)
    }

    /// Nothing is to be expected of a node for now.
    mutating func stopAsking(_ node: UInt8, now: Instant) {
        lanes.lease.forget(node: node)
        regainLease(now: now)
    }

    /// All that was withheld goes on, if nothing is missing any more.
    private mutating func regainLease(now: Instant) {
        guard lanes.lease.isLost, knowsNeighbours, lanes.lease.regain(now.monotonic) else { return }
        for requester in lanes.takeUnacknowledged() { acknowledgeIfAnswered(requester, now: now) }
        for lane in lanes.takeHeldOutboxes() { handOverNext(ofOutbox: lane, now: now) }
        advancePace(to: now)
        takeWithheld(now: now)
    }
}
