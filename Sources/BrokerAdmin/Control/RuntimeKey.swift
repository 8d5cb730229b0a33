/// A key of the configuration that can be changed while the broker runs, and what is in force.
package struct RuntimeKey: Codable, Sendable, Equatable {
    /// Dotted.
    package var key: String
    /// As it would be set; `nil` if the key is not set, or unknown to this version.
    package var value: String?
    package var source: Source
    /// Such as `martlet.conf:3`, `MARTLET_MQTT__MAX_INFLIGHT`, `default` or `set at run time`.
    package var place: String
    /// The record of what is set at run time, if there is one, also if it is not in force since the node's own configuration goes before.
    package var record: Record?

    package struct Record: Codable, Sendable, Equatable {
        package var value: String
        /// Of the record's last change.
        package var revision: UInt64

        package init(value: String, revision: UInt64) {
            self.value = value
            self.revision = revision
        }
    }

    package enum Source: String, Codable, Sendable {
        case byDefault = "default"
        case runtime
        case file
        case environment
        case commandLine = "command_line"
        /// It is set at run time, and passed over: this version does not know it, or cannot use its value.
        case passedOver = "passed_over"
    }

    package init(key: String, value: String?, source: Source, place: String, record: Record? = nil) {
        self.key = key
        self.value = value
        self.source = source
        self.place = place
        self.record = record
    }
}

/// All such keys, as one node of a cluster has them.
package struct RuntimeKeys: Codable, Sendable, Equatable {
    package var keys: [RuntimeKey]

    package init(keys: [RuntimeKey]) { self.keys = keys }
}

/// What is asked for: a new value of a key, or the end of one.
package struct RuntimeKeyChange: Codable, Sendable, Equatable {
    package var key: String
    /// `nil` if the key is not to be set at run time any more.
    package var value: String?
    /// Of the record as whoever asks has seen it, 0 for none; `nil` for that which the node knows.
    package var revision: UInt64?

    package init(key: String, value: String?, revision: UInt64? = nil) {
        self.key = key
        self.value = value
        self.revision = revision
    }
}

/// Why a key was not changed.
package struct RuntimeKeyRefusal: Error, Codable, Sendable, Equatable {
    package enum Code: String, Codable, Sendable {
        /// The key or the value is wrong.
        case badRequest = "BAD_REQUEST"
        /// The node's own configuration says otherwise, or somebody else has changed the key meanwhile.
        case conflict = "CONFLICT"
        /// It cannot be stored just now.
        case unavailable = "SERVICE_UNAVAILABLE"
    }

    package var code: Code
    /// A sentence, for people.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
