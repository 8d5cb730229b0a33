import BrokerCluster
import HTTPTypes

/// `/cluster`, `/nodes` and `/stats`: which nodes there are, and how each is.
struct ClusterOperations {
    let source: any ControlSource

    var all: [APIOperation] { [cluster, nodes, node, stats] }

    private var cluster: APIOperation {
        APIOperation(
            .get,
            "/cluster",
            tag: "Cluster",
            "Show the cluster's name, and the nodes that run",
            answer: .object([.init("name", .string()), .init("nodes", .array(of: .string())), .init("self", .string())])
        ) { _ in
            let status = await source.clusterStatus()
            let own = status.nodes.first { $0.node == status.node } ?? status.nodes.first
            return .json { json in
                json.object { json in
                    json.member("name", status.cluster ?? own?.name ?? "")
                    json.member("nodes") { json in
                        json.array(status.nodes.filter(\.isRunning)) { $0.string($1.name) }
                    }
                    json.member("self", own?.name ?? "")
                }
            }
        }
    }

    private var nodes: APIOperation {
        APIOperation(.get, "/nodes", tag: "Nodes", "List nodes", answer: .array(of: NodeJSON.schema)) { _ in
            let status = await source.clusterStatus()
            return .json { json in json.array(status.nodes) { NodeJSON(node: $1).write(to: &$0) } }
        }
    }

    private var node: APIOperation {
        APIOperation(
            .get,
            "/nodes/{node}",
            tag: "Nodes",
            "Show a node",
            parameters: [.path("node", "The name of the node.")],
            answer: NodeJSON.schema,
            refusals: [.notFound]
        ) { request in
            let status = await source.clusterStatus()
            guard let node = status.nodes.first(where: { $0.name == request.path["node"] }) else {
                throw APIFailure.notFound("there is no node of this name")
            }
            return .json { NodeJSON(node: node).write(to: &$0) }
        }
    }

    private var stats: APIOperation {
        APIOperation(
            .get,
            "/stats",
            tag: "Metrics",
            "Count what there is, by node or of all nodes",
            parameters: [.query("aggregate", .boolean(), "True for one object with the sums of all nodes.")],
            answer: .anyOf([.array(of: StatsJSON.schema), StatsJSON.schema])
        ) { request in
            let status = await source.clusterStatus()
            let known = status.nodes.compactMap { node in node.status.map { (node.name, StatsJSON($0)) } }
            return .json { json in
                if request.boolean("aggregate") == true {
                    known.reduce(into: StatsJSON()) { $0.add($1.1) }.write(node: nil, to: &json)
                } else {
                    json.array(known) { $1.1.write(node: $1.0, to: &$0) }
                }
            }
        }
    }
}

extension ClusterStatus.Node {
    /// True for a node that serves.
    var isRunning: Bool { state == .alive || state == .retiring }
}

/// A node, as the peer's REST interface writes it.
private struct NodeJSON {
    let node: ClusterStatus.Node

    static let schema: Schema = .named(
        "Node",
        .object([
            .init("node", .string()), .init("node_status", .string(.oneOf(["running", "stopped"]))),
            .init("version", .string(), isRequired: false), .init("edition", .string(), isRequired: false),
            .init("role", .string(), isRequired: false),
            .init("uptime", .integer(description: "Milliseconds."), isRequired: false),
            .init("connections", .integer(), isRequired: false),
            .init("live_connections", .integer(), isRequired: false),
            .init("event_loops", .integer(), isRequired: false), .init("error", .string(), isRequired: false),
        ])
    )

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("node", node.name)
            json.member("node_status", node.isRunning ? "running" : "stopped")
            if let silence = node.silence { json.member("error", silence) }
            guard let status = node.status else { return }
            json.member("version", status.version)
            json.member("edition", "Opensource")
            json.member("role", "core")
            json.member("uptime", status.uptimeSeconds * 1_000)
            json.member("connections", status.sessions)
            json.member("live_connections", status.connections)
            json.member("event_loops", status.eventLoops)
        }
    }
}

/// What there is, as the peer counts it.
private struct StatsJSON {
    private var connections = 0
    private var sessions = 0
    private var durable = 0
    private var subscriptions = 0
    private var retained = 0

    init() {}

    init(_ status: NodeStatus) {
        connections = status.connections
        sessions = status.sessions
        durable = status.durableSessions
        subscriptions = status.subscriptions
        retained = status.retainedMessages
    }

    mutating func add(_ other: Self) {
        connections += other.connections
        sessions += other.sessions
        durable += other.durable
        subscriptions += other.subscriptions
        retained += other.retained
    }

    private static let names = [
        "channels.count", "connections.count", "live_connections.count", "sessions.count", "durable_sessions.count",
        "suboptions.count", "subscriptions.count", "retained.count",
    ]

    static let schema: Schema = .named(
        "Stats",
        .object([.init("node", .string(), isRequired: false)] + names.map { .init($0, .integer()) })
    )

    func write(node: String?, to json: inout JSONWriter) {
        let values = [sessions, sessions, connections, sessions, durable, subscriptions, subscriptions, retained]
        json.object { json in
            if let node { json.member("node", node) }
            for (name, value) in zip(Self.names, values) { json.member(name, value) }
        }
    }
}
