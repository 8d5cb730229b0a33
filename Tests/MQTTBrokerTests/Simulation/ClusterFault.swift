import MQTTCodec
import NIOCore

@testable import MQTTBroker

/// A mistake that the nodes of a simulated cluster make on purpose, in what they tell each other, in what they remember, or in how they use
/// the engine: the simulation of clusters has to find each.
enum ClusterFault: String, CaseIterable {
    // The engine, and what its writers make of it (`SimulatedBroker+Lanes`).
    /// A shard is told that a batch is stored when it hands the batch in.
    case committedTooEarly
    /// A batch that was fenced is taken for one that is stored.
    case fencedTakenAsStored
    /// What a leader appends is stored although another one has taken the lane.
    case termIgnored
    /// The last batch of a lane, now and then, is not replayed.
    case replayCutShort
    /// The numbers of the outboxes that a lane has are not replayed.
    case sourcesForgotten

    // What a shard remembers.
    /// The interest of a dead node's sessions is dropped, and nothing waits for their lanes.
    case interestForgotten
    /// A lane that has refused a message takes the next one.
    case refusalsForgotten
    /// What waits for the leaders of lanes is handed over in another order.
    case limboReordered

    // What shards tell each other.
    /// A connection does not go on at the new leader of its session's lane.
    case resumeLost
    /// A new leader is not told the packets that are not settled.
    case unsettledLost
    /// A new leader is not told which packet identifiers the client has.
    case outstandingLost
    /// A shard does not say which lanes it does not lead.
    case missingUntold
    /// A message, once in twenty times, is not handed over, and nobody notices.
    case handOverLost
    /// Who leads is told to half of the nodes only.
    case leadsLost
    /// A SUBSCRIBE does not wait for other nodes.
    case subscribedTooEarly
    /// A transient connection whose client has connected again goes on.
    case evictLost
    /// A durable connection whose client has connected again goes on.
    case endedLost

    /// Changes a shard before it hears messages.
    func prepare(_ shard: inout Shard) {
        switch self {
        case .refusalsForgotten: shard.lanes.refusals = Refusals()
        case .subscribedTooEarly:
            for node in shard.neighbours?.numbers ?? [] { shard.neighbours?[node]?.isSuspected = true }
        default: break
        }
    }

    /// What leaves a shard instead of what it has to say.
    func sent(
        _ messages: [ShardMessage],
        from source: ShardReference,
        using random: inout SeededGenerator
    ) -> [ShardMessage] {
        var sent: [ShardMessage] = []
        for message in messages {
            if let changed = changed(message.body, from: source, using: &random) { sent.append(ShardMessage(changed)) }
        }
        if self == .limboReordered { reorder(&sent) }
        return sent
    }

    private func changed(
        _ body: ShardMessage.Body,
        from source: ShardReference,
        using random: inout SeededGenerator
    ) -> ShardMessage.Body? {
        switch (self, body) {
        case (.resumeLost, .resume), (.evictLost, .evict), (.missingUntold, .missing): return nil
        case (.endedLost, .toConnection(_, .ended(_, .sessionTakenOver))): return nil
        case (.handOverLost, .publish(let publish, let publisher, let origin, let scope, let receipt)):
            guard receipt != 0, Int.random(in: 0..<20, using: &random) == 0 else { return body }
            // To nobody, who says that it is kept.
            return .publish(publish, from: publisher, origin: origin, nobody(scope), receipt: receipt)
        case (.leadsLost, .cluster(.leads(let shard, _))):
            return shard.node == source.node && Int.random(in: 0..<4, using: &random) == 0 ? nil : body
        case (.unsettledLost, .resume(let claim, let resumption)):
            return .resume(claim, changed(resumption, packets: .init()))
        case (.outstandingLost, .resume(let claim, let resumption)):
            return .resume(claim, changed(resumption, outstanding: []))
        default: return body
        }
    }

    private func nobody(_ scope: LaneScope) -> LaneScope {
        var scope = scope
        scope.lanes = 0
        return scope
    }

    private func changed(
        _ resumption: ShardMessage.Resumption,
        outstanding: [UInt16]? = nil,
        packets: ByteBuffer? = nil
    ) -> ShardMessage.Resumption {
        ShardMessage.Resumption(
            number: resumption.number,
            term: resumption.term,
            outstanding: outstanding ?? resumption.outstanding,
            packets: packets ?? resumption.packets,
            isLast: resumption.isLast,
            isAcknowledged: resumption.isAcknowledged
        )
    }

    /// The first two messages that are handed over again change places.
    private func reorder(_ messages: inout [ShardMessage]) {
        let again = messages.indices.filter {
            if case .publish(_, _, _, let scope, _) = messages[$0].body { scope.isAgain } else { false }
        }
        if again.count > 1 { messages.swapAt(again[0], again[1]) }
    }
}
