import BrokerCluster

extension ClusterPicture {
    /// What is not as it should be, in sentences, the worst first.
    var concerns: [String] {
        status.missing.map { Figure.plain($0, atMost: 300) } + ofNodes + ofLanes + ofStreams + ofConnections + ofRelay
    }

    private func name(_ node: ClusterStatus.Node) -> String {
        "node \(node.node.map { "\($0)" } ?? "-") (\(Figure.plain(node.name)))"
    }

    private var ofNodes: [String] {
        status.nodes.flatMap { node -> [String] in
            let heard = node.heardMilliseconds.map { Figure.time(milliseconds: $0) } ?? "ever"
            switch node.state {
            case .suspected: return ["\(name(node)) has not been heard of for \(heard): its lanes go to others"]
            case .retiring: return ["\(name(node)) is about to leave: its lanes go to others, and then its clients"]
            case .dead: return ["\(name(node)) left the cluster or was given up, \(heard) ago"]
            case .alive, .starting, .isolated:
                guard let silence = node.silence else { return own(node) }
                return ["\(name(node)) does not say how it is: \(Figure.plain(silence, atMost: 120))"]
            }
        }
    }

    /// What a node says of itself.
    private func own(_ node: ClusterStatus.Node) -> [String] {
        guard let own = node.status else { return [] }
        var concerns: [String] = []
        if node.node != status.node {
            if own.state == .isolated { concerns.append("\(name(node)) counts itself as cut off, and takes a new run") }
            if own.state == .starting { concerns.append("\(name(node)) does not serve clients yet") }
        } else if own.state == .member, own.holdsLease == false {
            concerns.append("no majority of the nodes hears \(name(node)) just now")
        }
        return concerns
    }

    private var ofLanes: [String] {
        var concerns: [String] = []
        let open = status.lanes.count { $0.node == nil }
        if open > 0 {
            concerns.append(
                "\(open) of \(status.lanes.count) lanes are led by no node: their sessions wait, and so do messages for them"
            )
        }
        for node in status.nodes {
            guard let suspended = node.status?.lag?.suspended, let first = suspended.first else { continue }
            concerns.append(
                "\(name(node)) waits for JetStream with the lanes \(Self.list(suspended.map(\.lane))): \(Figure.plain(first.reason, atMost: 120))"
            )
        }
        return concerns
    }

    private var ofStreams: [String] {
        var complaints: [(what: String, streams: [String])] = []
        for stream in status.streams {
            guard let what = Self.complaint(stream) else { continue }
            let name = Figure.plain(stream.name, atMost: 60)
            if let place = complaints.firstIndex(where: { $0.what == what }) {
                complaints[place].streams.append(name)
            } else {
                complaints.append((what, [name]))
            }
        }
        return complaints.map { "\($0.streams.joined(separator: ", ")): \($0.what)" }
    }

    private static func complaint(_ stream: StreamStatus) -> String? {
        if stream.currentReplicas == 0 { return "no leader, since NATS is electing one or a majority is missing" }
        if stream.currentReplicas < stream.replicas {
            let behind = stream.behind.map { Figure.plain($0) }.joined(separator: ", ")
            return "\(stream.currentReplicas) of \(stream.replicas) replicas are up to date"
                + (behind.isEmpty ? "" : ", not those of \(behind)")
        }
        if let most = stream.maximumOctets, stream.octets > UInt64(most) / 10 * 9 {
            return "nearly full, with \(Figure.octets(stream.octets)) of \(Figure.octets(most))"
        }
        return nil
    }

    private var ofConnections: [String] {
        status.nodes.compactMap { node in
            let connections = node.status?.nats ?? []
            let lost = connections.filter { $0.server == nil }
            // That the node that is asked has none at all is among what is missing.
            guard !lost.isEmpty, lost.count < connections.count else { return nil }
            let purposes = lost.map { Figure.plain($0.purpose) }.joined(separator: ", ")
            return "\(name(node)) has no connection to NATS for \(purposes)"
        }
    }

    private var ofRelay: [String] {
        status.nodes.compactMap { node in
            // A node that is not heard of is not reached either.
            let silent = Set(status.nodes.filter { $0.state != .alive }.compactMap(\.node))
            let unreachable = (node.status?.relay?.unreachable ?? []).filter { !silent.contains($0) }
            guard !unreachable.isEmpty else { return nil }
            return
                "the relay of \(name(node)) does not reach \(Self.list(unreachable)): QUIC clients that move between them lose their connections; is UDP let through?"
        }
    }
}
