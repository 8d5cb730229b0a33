import HTTPTypes
import MQTTBroker

/// A member of a client's JSON object, under the peer's name.
struct ClientField: Sendable {
    let name: String
    let schema: Schema
    /// True if the home of the session has to be asked.
    let isOfSession: Bool
    let write: @Sendable (inout JSONWriter, String, ClientRow) -> Void

    private static func text(_ name: String, _ value: @escaping @Sendable (ClientRow) -> String?) -> Self {
        Self(name: name, schema: .optional(.string()), isOfSession: false) { json, _, row in
            json.member(name, value(row))
        }
    }

    private static func integer(
        _ name: String,
        ofSession isOfSession: Bool = false,
        _ value: @escaping @Sendable (ClientRow) -> Int?
    ) -> Self {
        Self(name: name, schema: .optional(.integer()), isOfSession: isOfSession) { json, _, row in
            json.member(name, value(row))
        }
    }

    private static func flag(
        _ name: String,
        ofSession isOfSession: Bool = false,
        _ value: @escaping @Sendable (ClientRow) -> Bool?
    ) -> Self {
        Self(name: name, schema: .optional(.boolean()), isOfSession: isOfSession) { json, _, row in
            json.member(name, value(row))
        }
    }

    private static func time(_ name: String, _ value: @escaping @Sendable (ClientRow) -> Int64?) -> Self {
        Self(name: name, schema: .optional(.string(.dateTime)), isOfSession: false) { json, _, row in
            json.member(name, value(row).map { WallTime(milliseconds: $0).text })
        }
    }

    static let all: [ClientField] = [
        Self(name: "clientid", schema: .string(), isOfSession: false) { json, _, row in
            json.member("clientid", row.client)
        },
        Self(name: "node", schema: .string(), isOfSession: false) { json, node, _ in json.member("node", node) },
        text("username") { $0.connection?.userName },
        flag("connected") { $0.connection != nil },
        time("connected_at") { $0.connection?.connected },
        time("disconnected_at") { $0.session?.awaySince },
        text("ip_address") { $0.connection?.host },
        integer("port") { $0.connection?.port },
        text("listener") { $0.connection?.listener },
        text("proto_name") { $0.connection.map { $0.version == 3 ? "MQIsdp" : "MQTT" } },
        integer("proto_ver") { $0.connection.map { Int($0.version) } },
        integer("keepalive") { $0.connection.map { Int($0.keepAlive) } },
        flag("clean_start") { $0.connection?.cleanStart },
        flag("is_bridge") { $0.connection?.isBridge },
        integer("streams") { $0.connection?.streams },
        integer("expiry_interval", ofSession: true) { $0.session.map { Int($0.expiryInterval) } },
        flag("durable", ofSession: true) { $0.session?.isDurable },
        integer("subscriptions_cnt", ofSession: true) { $0.session?.subscriptions },
        integer("inflight_cnt", ofSession: true) { $0.session?.inflight },
        integer("mqueue_len", ofSession: true) { $0.session?.queued },
        integer("awaiting_rel_cnt", ofSession: true) { $0.session?.awaitingRelease },
        integer("send_msg.dropped", ofSession: true) { $0.session.map { Int($0.dropped) } },
        integer("recv_msg", ofSession: true) { $0.sum(\.messagesReceived, \.messagesReceived) },
        integer("send_msg", ofSession: true) { $0.sum(\.messagesSent, \.messagesSent) },
        integer("recv_oct") { $0.connection.map { Int(clamping: $0.octetsReceived) } },
        integer("send_oct") { $0.connection.map { Int(clamping: $0.octetsSent) } },
    ]

    /// The fields of a request's `fields`: names with commas between, or `all`.
    ///
    /// - Throws: `APIFailure` for a name that no field has.
    static func named(_ names: String?) throws -> [ClientField] {
        guard let names, names != "all" else { return all }
        let wanted = names.split(separator: ",").map { $0.trimmed }
        if let unknown = wanted.first(where: { name in !all.contains { $0.name == name } }) {
            throw APIFailure.invalidParameter("fields: \(unknown) is no field of a client")
        }
        return all.filter { wanted.contains($0.name) }
    }

    static let schema: Schema = .named("Client", .object(all.map { .init($0.name, $0.schema, isRequired: false) }))
}

extension Substring {
    fileprivate var trimmed: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}

extension ClientRow {
    /// What the shard of the connection has counted, and what the deputy at the home has. The session of a transient client counts nothing of its own.
    fileprivate func sum(
        _ ofConnection: KeyPath<ConnectionRow, UInt64>,
        _ ofSession: KeyPath<SessionRow, UInt64>
    ) -> Int? {
        connection.map { Int(clamping: $0[keyPath: ofConnection] &+ (session?[keyPath: ofSession] ?? 0)) }
    }

    func write(_ fields: [ClientField], node: String, to json: inout JSONWriter) {
        json.object { json in for field in fields { field.write(&json, node, self) } }
    }
}
