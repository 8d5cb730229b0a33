/// A stream: which subjects it stores, and how. Limits are those of the whole stream; -1 is none.
package struct StreamConfiguration: Equatable, Sendable, Codable {
    package var name: String
    package var subjects: [String]
    package var replicas: Int
    package var maximumBytes: Int = -1
    package var maximumMessagesPerSubject: Int = -1
    package var maximumMessages: Int = -1
    /// How long a message is kept; zero is without end.
    package var maximumAge: Duration = .zero
    /// When messages are deleted that no limit asks to delete: never by `limits`.
    package var retention = Retention.limits
    /// What happens at a limit of the stream: `new` messages are refused, or `old` ones deleted.
    package var discard = Discard.new
    package var storage = Storage.file
    /// True if messages cannot be deleted one by one; purging stays possible.
    package var deniesDelete = true
    /// Replicas that answer for the leader: what they say may be stale.
    package var allowsDirect = false
    /// Within it, messages with one `Nats-Msg-Id` are the same. Nothing here sends one.
    package var duplicateWindow: Duration = .milliseconds(100)

    package enum Discard: String, Sendable, Codable { case old, new }
    package enum Storage: String, Sendable, Codable { case file, memory }
    package enum Retention: String, Sendable, Codable { case limits, interest, workqueue }

    package init(name: String, subjects: [String], replicas: Int) {
        self.name = name
        self.subjects = subjects
        self.replicas = replicas
    }

    private enum CodingKeys: String, CodingKey {
        case name, subjects, discard, storage, retention, compression
        case replicas = "num_replicas"
        case maximumBytes = "max_bytes"
        case maximumMessagesPerSubject = "max_msgs_per_subject"
        case maximumMessages = "max_msgs"
        case maximumAge = "max_age"
        case deniesDelete = "deny_delete"
        case allowsDirect = "allow_direct"
        case duplicateWindow = "duplicate_window"
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(name, forKey: .name)
        try fields.encode(subjects, forKey: .subjects)
        try fields.encode(retention, forKey: .retention)
        try fields.encode("none", forKey: .compression)
        try fields.encode(discard, forKey: .discard)
        try fields.encode(storage, forKey: .storage)
        try fields.encode(replicas, forKey: .replicas)
        try fields.encode(maximumBytes, forKey: .maximumBytes)
        try fields.encode(maximumMessagesPerSubject, forKey: .maximumMessagesPerSubject)
        try fields.encode(maximumMessages, forKey: .maximumMessages)
        try fields.encode(maximumAge.nanoseconds, forKey: .maximumAge)
        try fields.encode(deniesDelete, forKey: .deniesDelete)
        try fields.encode(allowsDirect, forKey: .allowsDirect)
        try fields.encode(duplicateWindow.nanoseconds, forKey: .duplicateWindow)
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        name = try fields.decode(String.self, forKey: .name)
        subjects = try fields.decodeIfPresent([String].self, forKey: .subjects) ?? []
        replicas = try fields.decodeIfPresent(Int.self, forKey: .replicas) ?? 1
        maximumBytes = try fields.decodeIfPresent(Int.self, forKey: .maximumBytes) ?? -1
        maximumMessagesPerSubject = try fields.decodeIfPresent(Int.self, forKey: .maximumMessagesPerSubject) ?? -1
        maximumMessages = try fields.decodeIfPresent(Int.self, forKey: .maximumMessages) ?? -1
        maximumAge = .nanoseconds(try fields.decodeIfPresent(Int64.self, forKey: .maximumAge) ?? 0)
        retention = try fields.decodeIfPresent(Retention.self, forKey: .retention) ?? .limits
        discard = try fields.decodeIfPresent(Discard.self, forKey: .discard) ?? .old
        storage = try fields.decodeIfPresent(Storage.self, forKey: .storage) ?? .file
        deniesDelete = try fields.decodeIfPresent(Bool.self, forKey: .deniesDelete) ?? false
        allowsDirect = try fields.decodeIfPresent(Bool.self, forKey: .allowsDirect) ?? false
        duplicateWindow = .nanoseconds(try fields.decodeIfPresent(Int64.self, forKey: .duplicateWindow) ?? 0)
    }
}

extension Duration {
    /// For JetStream, which counts times in nanoseconds.
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
