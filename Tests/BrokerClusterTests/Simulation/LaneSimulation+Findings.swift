import BrokerCluster
import NIOCore

extension LaneSimulation {
    /// What must not be: an acknowledged batch that is not in the lane exactly once and in order, a fenced writer whose batch was stored,
    /// writers that come to no end, damage.
    func findings() -> [String] {
        var findings: [String] = []
        var positions: [ByteBuffer: [UInt64]] = [:]
        var term: UInt64 = 0
        for stored in lane.history {
            guard let message = try? LaneMessage(stored.payload) else {
                findings.append("a message at \(stored.sequence) cannot be read")
                continue
            }
            if message.term < term {
                findings.append("term \(message.term) at \(stored.sequence), behind term \(term)")
            }
            term = max(term, message.term)
            if case .batch(let batch) = message.content { positions[batch, default: []].append(stored.sequence) }
        }
        for (batch, places) in positions where places.count > 1 {
            findings.append("\(String(buffer: batch)) is stored \(places.count) times")
        }
        for writer in writers {
            for (batch, position) in writer.acknowledged where positions[batch] != [position] {
                findings.append(
                    "\(String(buffer: batch)), acknowledged at \(position), is at \(positions[batch] ?? [])"
                )
            }
            let order = writer.acknowledged.map(\.position)
            if order != order.sorted() { findings.append("node \(writer.leader.node)'s batches are out of order") }
            if !writer.isIdle { findings.append("node \(writer.leader.node) comes to no end") }
            findings += writer.failures.filter(\.isFinding).map { "\($0)" }
        }
        return findings + replayFindings()
    }

    /// A replay up to each term record that is there gives all batches before it that were not purged.
    private func replayFindings() -> [String] {
        let contents = lane.contents
        return writers.flatMap(\.terms).compactMap { term in
            guard contents.first.map({ $0.sequence <= term.position.sequence }) ?? false else { return nil }
            var reader = LaneReader(term)
            var count = 0
            for stored in contents {
                switch reader.receive(stored.payload, at: stored.sequence) {
                case .complete:
                    let before = contents.filter { $0.sequence < term.position.sequence }
                    let isAll = count == before.count { (try? LaneMessage($0.payload))?.isBatch ?? false }
                    return isAll ? nil : "a replay up to term \(term.number) gives \(count) batches"
                case .batch: count += 1
                case .pass: break
                case let step: return "a replay up to term \(term.number) ends with \(step)"
                }
            }
            return "a replay up to term \(term.number) has no end"
        }
    }
}

extension LaneMessage {
    fileprivate var isBatch: Bool { if case .batch = content { true } else { false } }
}

extension LaneFailure {
    fileprivate var isFinding: Bool {
        switch self {
        case .fenced, .unavailable: false
        default: true
        }
    }
}
