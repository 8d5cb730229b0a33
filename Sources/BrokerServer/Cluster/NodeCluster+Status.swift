import BrokerCluster
import NIOCore

/// What is told of the membership, and what is asked of the other nodes and of JetStream.
extension NodeCluster {
    /// The cluster as this node sees it by itself.
    struct View: Sendable {
        let name: String
        /// This node's run; `nil` while it is no member.
        let own: Member?
        /// The number of this node, also while it is no member after it was one.
        let number: Int?
        /// True while this node is no member after it was one.
        let isIsolated: Bool
        let holdsLease: Bool
        /// The other members, and those whose runs are over.
        let others: [ClusterStatus.Node]
        /// True if other nodes and JetStream can be asked.
        let isConnected: Bool
        let nats: [NATSStatus]
    }

    /// What others have answered.
    struct Asked: Sendable {
        var nodes = NodeQuestions.Answers<NodeStatus>()
        var streams = NodeQuestions.StreamAnswers()
    }

    var view: View {
        let others = membership?.others ?? []
        var nodes = others.map { member in
            let isSuspected = membership?.isSuspected(member.node) ?? false
            let isRetiring = membership?.isRetiring(member.node) ?? false
            var node = ClusterStatus.Node(member, isSuspected ? .suspected : isRetiring ? .retiring : .alive)
            node.heardMilliseconds = membership?.silence(of: member.node).map { Int($0.nanoseconds / 1_000_000) }
            return node
        }
        let now = NIODeadline.now()
        for (member, since) in departed.values where now < since + Self.memory {
            var node = ClusterStatus.Node(member, .dead)
            node.heardMilliseconds = Int((now - since).nanoseconds / 1_000_000)
            nodes.append(node)
        }
        return View(
            name: "\(configuration.name)",
            own: membership?.member,
            number: membership?.member?.node ?? number,
            isIsolated: number != nil && membership?.member == nil,
            holdsLease: membership?.holdsLease ?? false,
            others: nodes,
            isConnected: questions?.nats.server != nil,
            nats: [membership?.nats, questions?.nats].compactMap { $0 }
        )
    }

    /// Asks other members. It does not fail.
    func ask<Question: NodeQuestion>(
        _ question: Question,
        of nodes: [Int],
        within patience: TimeAmount
    ) -> EventLoopFuture<NodeQuestions.Answers<Question.Answer>> {
        guard let questions else { return eventLoop.makeSucceededFuture(NodeQuestions.Answers()) }
        return questions.ask(question, of: nodes, within: patience)
    }

    /// Asks the other members how they are, and JetStream how the cluster's streams are. It does not fail.
    func ask(within patience: TimeAmount) -> EventLoopFuture<Asked> {
        guard let questions else { return eventLoop.makeSucceededFuture(Asked()) }
        let members = (membership?.others ?? []).map(\.node)
        return questions.ask(NodeStatusQuestion(), of: members, within: patience)
            .and(questions.askStreams(within: patience))
            .map { Asked(nodes: $0, streams: $1) }
    }
}

extension ClusterStatus.Node {
    init(_ member: Member, _ state: State) {
        self.init(node: member.node, run: member.run, name: member.name, state: state)
        address = member.relayAddress
    }
}

extension Member {
    /// Where the run takes relayed datagrams, as a text.
    var relayAddress: String? {
        relay.map { $0.host.contains(":") ? "[\($0.host)]:\($0.port)" : "\($0.host):\($0.port)" }
    }
}
