import BrokerCluster
package import MQTTBroker
import NIOConcurrencyHelpers
import NIOCore

// What nodes ask each other of clients and subscriptions, and what administrators ask.
extension BrokerObserver {
    /// Lets this node answer the questions of other nodes. Called before it is a member.
    func answer(_ questions: NodeQuestions) {
        questions.answer(NodeStatusQuestion.self) { [weak self] _ in await self?.nodeStatus() }
        questions.answer(ClientsQuestion.self) { [weak self] question in
            try? await self?.node?.clients(question.search)
        }
        questions.answer(SessionsQuestion.self) { [weak self] in try? await self?.node?.sessions(of: $0.clients) }
        questions.answer(KickQuestion.self) { [weak self] in try? await self?.node?.kick($0.client) }
        questions.answer(SubscriptionsQuestion.self) { [weak self] in
            try? await self?.node?.subscriptions($0.search)
        }
    }

    /// `nil` before there are shards, and after.
    private var node: NodeInquiries? { parts.withLockedValue { $0.shards }.map { NodeInquiries(shards: $0) } }

    /// The clients of all nodes.
    ///
    /// - Parameters:
    ///   - node: the name of the only node that is asked; `nil` for all.
    ///   - withSessions: false if what the homes of sessions know is not wanted.
    package func clients(_ search: ClientSearch, at node: String?, withSessions: Bool) async -> FleetPage<ClientRow> {
        await fleet?.at(node).clients(search, withSessions: withSessions) ?? FleetPage()
    }

    /// Ends the session of a client wherever it is. Returns false if no node that answers has it.
    package func kick(_ client: String) async -> Bool { await fleet?.kick(client) ?? false }

    /// Publishes a message. `nil` if it is not known within ten seconds what has become of it.
    package func publish(_ message: MessageToPublish) async -> MessageToPublish.Outcome? {
        try? await node?.publish(message)
    }

    /// The subscriptions of all nodes.
    package func subscriptions(_ search: SubscriptionSearch, at node: String?) async -> FleetPage<SubscriptionRow> {
        await fleet?.at(node).subscriptions(search) ?? FleetPage()
    }

    private var fleet: FleetInquiries? {
        get async {
            let parts = parts.withLockedValue { $0 }
            guard let shards = parts.shards else { return nil }
            let view = await Self.view(parts)
            return FleetInquiries(
                name: name,
                own: UInt8(clamping: view?.number ?? 0),
                node: NodeInquiries(shards: shards),
                others: (view?.others ?? []).filter { $0.state != .dead }.compactMap { other in
                    other.node.map { ($0, other.name) }
                },
                cluster: parts.cluster
            )
        }
    }
}
