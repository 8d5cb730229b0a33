/// An ordered consumer: an ephemeral one in memory that pushes each message once, with flow control and idle heartbeats.
struct ConsumerConfiguration: Encodable {
    let deliverSubject: String
    let filters: [String]
    let start: ReplayStart
    let heartbeat: Duration

    /// The server deletes a consumer that nobody has listened to for so long.
    static let inactiveThreshold: Duration = .seconds(30)

    private enum CodingKeys: String, CodingKey {
        case deliver_subject, deliver_policy, opt_start_seq, ack_policy, max_deliver, flow_control, idle_heartbeat
        case num_replicas, mem_storage, inactive_threshold, filter_subjects, replay_policy
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(deliverSubject, forKey: .deliver_subject)
        switch start {
        case .first: try fields.encode("all", forKey: .deliver_policy)
        case .lastOfEachSubject: try fields.encode("last_per_subject", forKey: .deliver_policy)
        case .sequence(let sequence):
            try fields.encode("by_start_sequence", forKey: .deliver_policy)
            try fields.encode(max(sequence, 1), forKey: .opt_start_seq)
        }
        try fields.encode("none", forKey: .ack_policy)
        try fields.encode("instant", forKey: .replay_policy)
        try fields.encode(1, forKey: .max_deliver)
        try fields.encode(true, forKey: .flow_control)
        try fields.encode(heartbeat.nanoseconds, forKey: .idle_heartbeat)
        try fields.encode(1, forKey: .num_replicas)
        try fields.encode(true, forKey: .mem_storage)
        try fields.encode(Self.inactiveThreshold.nanoseconds, forKey: .inactive_threshold)
        if !filters.isEmpty { try fields.encode(filters, forKey: .filter_subjects) }
    }
}

/// Where a replay begins.
package enum ReplayStart: Equatable, Sendable {
    case first
    case sequence(UInt64)
    case lastOfEachSubject
}

/// What JetStream says of a consumer that it has created.
package struct ConsumerInfo: Equatable, Sendable, Decodable {
    package let name: String
    /// Messages that wait to be delivered.
    package let pending: UInt64

    private enum CodingKeys: String, CodingKey {
        case name
        case pending = "num_pending"
    }
}
