import MQTTCodec

@testable import MQTTBroker

/// A mistake that a simulated broker makes on purpose, between its shards and its store or its clients: the simulation of crashes has to
/// find each.
enum SimulatedFault: String, CaseIterable {
    // A shard is told that a batch is committed when it hands the batch in.
    case acknowledgedTooEarly, recordedTooEarly, completedTooEarly
    case connectedTooEarly, subscribedTooEarly, unsubscribedTooEarly
    case deliveredTooEarly, releasedTooEarly

    // A record in twenty does not reach the store.
    case messageLost, originLost, sentLost, acknowledgedLost, recordedLost
    case receivedLost, releasedLost, passedLost
    case retainedLost, willLost, willPublishedLost
    case sessionLost, endedLost, subscribedLost, unsubscribedLost

    /// Two acknowledgements to a client that leave together, once in twenty times, change places.
    case acknowledgementsReordered
    /// After a restart, nothing of an outbox is handed over again.
    case outboxForgotten
    /// The store deletes what is before a cleaning when it begins.
    case cleanedTooEarly

    /// True if a shard is told of the commit of a batch before the batch is in the store.
    func isEarly(_ batch: LaneBatch) -> Bool {
        batch.records.contains { record in
            switch (self, record) {
            case (.acknowledgedTooEarly, .message(let message)): message.receipt != nil
            case (.deliveredTooEarly, .message(let message)):
                message.targets.contains { $0.qos == .exactlyOnce && $0.packetIdentifier != 0 }
            case (.recordedTooEarly, .received), (.completedTooEarly, .released), (.connectedTooEarly, .session),
                (.subscribedTooEarly, .subscribed), (.unsubscribedTooEarly, .unsubscribed),
                (.deliveredTooEarly, .sent), (.releasedTooEarly, .recorded):
                true
            default: false
            }
        }
    }

    /// What the store gets of a batch.
    func written(_ batch: LaneBatch, using random: inout SeededGenerator) -> LaneBatch {
        var records: [LaneRecord] = []
        for record in batch.records {
            guard concerns(record), Int.random(in: 0..<20, using: &random) == 0 else {
                records.append(record)
                continue
            }
            if let rest = rest(of: record) { records.append(rest) }
        }
        return LaneBatch(
            lane: batch.lane,
            position: batch.position,
            records: records,
            emptyPositions: batch.emptyPositions,
            segments: batch.segments,
            removedSegments: batch.removedSegments,
            made: batch.made
        )
    }

    /// True if the fault is that a record of this kind does not reach the store.
    private func concerns(_ record: LaneRecord) -> Bool {
        switch (self, record) {
        case (.messageLost, .message), (.sentLost, .sent), (.acknowledgedLost, .acknowledged),
            (.recordedLost, .recorded), (.receivedLost, .received), (.releasedLost, .released), (.passedLost, .passed),
            (.retainedLost, .retained), (.willLost, .attached), (.willPublishedLost, .willPublished),
            (.sessionLost, .session), (.endedLost, .ended), (.subscribedLost, .subscribed),
            (.unsubscribedLost, .unsubscribed):
            true
        case (.originLost, .message(let message)): message.origin != nil
        default: false
        }
    }

    private func rest(of record: LaneRecord) -> LaneRecord? {
        switch (self, record) {
        case (.originLost, .message(let message)):
            .message(LoggedMessage(message.message, origin: nil, targets: message.targets))
        case (.willLost, .attached(let session, let expiryInterval, _)):
            .attached(session, expiryInterval: expiryInterval, will: nil)
        default: nil
        }
    }
}

extension Shard {
    /// Removes what is to be handed over again after a restart, as if everybody had it.
    mutating func forgetOutboxes() {
        for lane in Lane.all {
            while lanes[lane].outbox.next(Receipt(.outbox(lane))) != nil {}
            _ = lanes[lane].outbox.removePassed()
        }
    }
}
