import BrokerCluster

/// The cluster as one of its nodes sees it, as text for people.
struct ClusterPicture {
    let status: ClusterStatus

    init(_ status: ClusterStatus) { self.status = status }

    var text: String {
        guard let cluster = status.cluster else { return alone.joined(separator: "\n") }
        let asked = status.nodes.first { $0.node == status.node }
        let own =
            status.node.map { "node \($0) (\(Figure.plain(asked?.name ?? "")))" } ?? "this node, which has no number,"
        let concerns = concerns
        var lines = ["Cluster \(Figure.plain(cluster)), as \(own) sees it" + (concerns.isEmpty ? ": all is well" : "")]
        lines += concerns.map { "  ! \($0)" }
        for part in [nodes, lanes, lag, connections, streams, relay] where !part.isEmpty { lines += [""] + part }
        return lines.joined(separator: "\n")
    }

    // MARK: A node by itself

    private var alone: [String] {
        guard let node = status.nodes.first, let own = node.status else { return ["This broker is not in a cluster."] }
        var lines = ["This broker is not in a cluster (cluster.engine = none).", ""]
        let rows = [
            ("name", Figure.plain(own.name)),
            ("version", Figure.plain(own.version)),
            ("up for", Figure.time(milliseconds: own.uptimeSeconds * 1_000)),
            ("event loops", "\(own.eventLoops)"),
            ("clients", "\(own.connections)"),
            ("sessions", "\(own.sessions), \(own.durableSessions) of them durable"),
            ("subscriptions", "\(own.subscriptions)"),
            ("retained messages", "\(own.retainedMessages)"),
        ]
        for (name, value) in rows { lines.append("  " + name + String(repeating: " ", count: 19 - name.count) + value) }
        return lines + status.missing.map { "  ! \($0)" }
    }

    // MARK: The parts

    private var nodes: [String] {
        var table = TextTable([
            ">NODE", "", "NAME", "VERSION", "STATE", ">HEARD", ">UP", ">CLIENTS", ">SESSIONS", ">LANES", ">RUN",
        ])
        for node in status.nodes {
            let own = node.status
            let isAsked = node.node == status.node
            table.add([
                node.node.map { "\($0)" } ?? "-",
                isAsked ? "asked" : "",
                Figure.plain(node.name),
                own.map { Figure.plain($0.version) } ?? "?",
                node.state.rawValue,
                node.heardMilliseconds.map { Figure.time(milliseconds: $0) + " ago" } ?? (isAsked ? "" : "never"),
                own.map { Figure.time(milliseconds: $0.uptimeSeconds * 1_000) } ?? "?",
                own.map { "\($0.connections)" } ?? "?",
                own.map { "\($0.durableSessions)" } ?? "?",
                "\(status.lanes.count { $0.node == node.node && node.node != nil })",
                node.run.map { "\($0)" } ?? "-",
            ])
        }
        return table.lines
    }

    /// A letter for each node that leads lanes: 0 to 9, then a to v.
    static func letter(_ node: Int?) -> Character {
        guard let node, (0..<32).contains(node) else { return "." }
        return Array("0123456789abcdefghijklmnopqrstuv")[node]
    }

    private var lanes: [String] {
        guard !status.lanes.isEmpty else { return [] }
        let letters = status.lanes.sorted { $0.lane < $1.lane }.map { Self.letter($0.node) }
        var lines = ["Lanes, each with the node that leads it" + (letters.contains(".") ? " (. is led by none)" : "")]
        for first in stride(from: 0, to: letters.count, by: LaneSubjects.lanesOfStream) {
            let row = letters[first..<min(first + LaneSubjects.lanesOfStream, letters.count)]
            let groups = stride(from: row.startIndex, to: row.endIndex, by: 4).map {
                String(row[$0..<min($0 + 4, row.endIndex)])
            }
            let last = first + row.count - 1
            let range = "\(first) to \(last)"
            lines.append(
                "  " + range + String(repeating: " ", count: max(0, 9 - range.count)) + groups.joined(separator: " ")
            )
        }
        return lines
    }

    private var lag: [String] {
        var table = TextTable([
            ">NODE", ">APPENDS", ">MEAN", ">LONGEST", ">WAITING", ">SUSPENDED", ">TO CLEAN", ">UNACKNOWLEDGED", ">HELD",
            ">FOR OTHERS",
        ])
        var isEmpty = true
        for node in status.nodes {
            guard let lag = node.status?.lag else { continue }
            isEmpty = false
            table.add([
                node.node.map { "\($0)" } ?? "-",
                "\(lag.recentAppends)",
                lag.recentAppends == 0 ? "" : Figure.time(microseconds: lag.recentMeanMicroseconds),
                lag.recentAppends == 0 ? "" : Figure.time(microseconds: lag.recentLongestMicroseconds),
                lag.appendsInFlight == 0
                    ? "0" : "\(lag.appendsInFlight), \(Figure.time(milliseconds: lag.longestWaitMilliseconds))",
                "\(lag.suspended.count)",
                Figure.octets(lag.octetsSinceCleaning),
                Figure.octets(lag.withheldOctets),
                "\(lag.heldMessages)",
                Figure.octets(lag.linkOctets),
            ])
        }
        return isEmpty ? [] : ["Lag, with the appends of the last minute at most"] + table.lines
    }

    private var connections: [String] {
        let lines = status.nodes.compactMap { node -> String? in
            guard let connections = node.status?.nats, !connections.isEmpty else { return nil }
            var servers: [String: Int] = [:]
            for connection in connections {
                servers[Self.server(connection), default: 0] += 1
            }
            let counted = servers.sorted { $0.key < $1.key }.map { "\($0.value) to \($0.key)" }
            return "  node \(node.node.map { "\($0)" } ?? "-"): \(counted.joined(separator: ", "))"
        }
        return lines.isEmpty ? [] : ["Connections to NATS"] + lines
    }

    private static func server(_ connection: NATSStatus) -> String {
        guard let server = connection.server else { return "no server" }
        let version = connection.version.map { " (\(Figure.plain($0)))" } ?? ""
        return [Figure.plain(server), connection.address.map { Figure.plain($0) } ?? ""].joined(separator: " ")
            + version
    }

    private var streams: [String] {
        guard !status.streams.isEmpty else { return [] }
        var table = TextTable(["STREAM", "LEADER", ">REPLICAS", ">MESSAGES", ">SIZE", ">AT MOST", "BEHIND"])
        for stream in status.streams {
            table.add([
                Figure.plain(stream.name, atMost: 60),
                stream.leader.map { Figure.plain($0) } ?? (stream.currentReplicas > 0 ? "" : "none"),
                "\(stream.currentReplicas) of \(stream.replicas)",
                "\(stream.messages)",
                Figure.octets(stream.octets),
                stream.maximumOctets.map { Figure.octets($0) } ?? "",
                stream.behind.map { Figure.plain($0) }.joined(separator: ", "),
            ])
        }
        return table.lines
    }

    private var relay: [String] {
        let lines = status.nodes.compactMap { node -> String? in
            guard let relay = node.status?.relay else { return nil }
            var parts: [String] = []
            if !relay.reachable.isEmpty { parts.append("reaches \(Self.list(relay.reachable))") }
            if !relay.unreachable.isEmpty { parts.append("does not reach \(Self.list(relay.unreachable))") }
            parts.append("forwarded \(relay.forwardsOut), received \(relay.forwardsIn)")
            let refused = relay.refused.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { "\($0.value) \(Figure.plain($0.key).replacing("_", with: " "))" }
            if !refused.isEmpty { parts.append("refused \(refused.joined(separator: ", "))") }
            let address = node.address.map { " at \(Figure.plain($0, atMost: 60))" } ?? ""
            return "  node \(node.node.map { "\($0)" } ?? "-")\(address): \(parts.joined(separator: "; "))"
        }
        return lines.isEmpty ? [] : ["Relay of QUIC datagrams"] + lines
    }

    static func list(_ numbers: [Int]) -> String { numbers.sorted().map { "\($0)" }.joined(separator: ", ") }
}
