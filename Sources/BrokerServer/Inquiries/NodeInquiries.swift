import MQTTBroker
import NIOCore

/// Inquiries to the shards of this node, whose answers become one.
///
/// A position in the node's walk is the shard's index above 2^48 and the position in the shard's walk below.
struct NodeInquiries: Sendable {
    let shards: ShardGroup

    private static var shardUnit: Int { 1 << 48 }

    /// Clients of this node. With an order, the rows that `skip` passes over are not among them.
    ///
    /// - Throws: `InquiryFailure`.
    func clients(_ search: ClientSearch) async throws -> ClientSearch.Found {
        search.order == nil ? try await walk(search) : try await sort(search)
    }

    private func walk(_ search: ClientSearch) async throws -> ClientSearch.Found {
        var found = ClientSearch.Found()
        var search = search
        var shard = search.position / Self.shardUnit
        search.position %= Self.shardUnit
        while shard < shards.count {
            guard case .clients(let part) = try await shards.ask(.clients(search), of: shard) else { break }
            found.rows += part.rows
            found.count += part.count
            search.skip = max(0, search.skip - part.count)
            search.limit -= part.rows.count
            if let position = part.position, found.position == nil {
                found.position = shard * Self.shardUnit + position
            }
            if found.position != nil, !search.counts { break }
            shard += 1
            search.position = 0
        }
        return found
    }

    private func sort(_ search: ClientSearch) async throws -> ClientSearch.Found {
        guard let order = search.order else { return ClientSearch.Found() }
        var found = ClientSearch.Found()
        for case .clients(let part) in try await shards.askAll(.clients(search)) {
            found.rows += part.rows
            found.count += part.count
        }
        found.rows.sort(by: order.comesBefore)
        found.rows = Array(found.rows.dropFirst(search.skip).prefix(search.limit))
        return found
    }

    /// What is known of sessions that are at home at this node.
    func sessions(of clients: [String]) async throws -> [SessionRow] {
        var rows: [SessionRow] = []
        for case .sessions(let part) in try await shards.askAll(.sessions(of: clients)) { rows += part }
        return rows
    }

    /// Subscriptions of sessions that are at home at this node.
    func subscriptions(_ search: SubscriptionSearch) async throws -> SubscriptionSearch.Found {
        var found = SubscriptionSearch.Found()
        var search = search
        for shard in 0..<shards.count {
            guard case .subscriptions(let part) = try await shards.ask(.subscriptions(search), of: shard) else { break }
            found.rows += part.rows
            found.count += part.count
            search.skip = max(0, search.skip - part.count)
            search.limit -= part.rows.count
        }
        return found
    }

    /// Publishes a message, by the same shard as others of its topic, so that they keep their order.
    func publish(_ message: MessageToPublish) async throws -> MessageToPublish.Outcome {
        let shard = Int(message.topicHash % UInt64(shards.count))
        guard case .published(let outcome) = try await shards.ask(.publish(message), of: shard) else { return .refused }
        return outcome
    }

    /// Ends the session of a client. Returns false if it is not at home at this node.
    func kick(_ client: String) async throws -> Bool {
        var isKicked = false
        for future in shards.onEach({ $0.kick(client) }) where try await future.get() { isKicked = true }
        return isKicked
    }

}

extension ShardGroup {
    /// Asks one shard.
    fileprivate func ask(_ inquiry: Inquiry, of shard: Int) async throws -> Inquiry.Answer {
        try await flatWith(shard) { $0.ask(inquiry) }.get()
    }

    /// Asks all shards at the same time.
    fileprivate func askAll(_ inquiry: Inquiry) async throws -> [Inquiry.Answer] {
        let futures = (0..<count).map { shard in flatWith(shard) { $0.ask(inquiry) } }
        var answers: [Inquiry.Answer] = []
        for future in futures { answers.append(try await future.get()) }
        return answers
    }
}
