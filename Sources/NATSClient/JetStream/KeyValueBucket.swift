package import NIOCore

/// A key-value bucket of NATS: a stream with one subject for each key, whose last message is the value and its sequence the revision.
package struct KeyValueBucket: Equatable, Sendable {
    package let name: String

    /// - Parameter name: letters, digits, `-` and `_`.
    package init?(name: String) {
        let isName = name.utf8.allSatisfy { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard isName, (1...64).contains(name.utf8.count) else { return nil }
        self.name = name
    }

    package var stream: String { "KV_\(name)" }

    /// The stream of a bucket that keeps the newest value of each key.
    package func configuration(replicas: Int, maximumBytes: Int = -1) -> StreamConfiguration {
        var stream = StreamConfiguration(name: stream, subjects: ["$KV.\(name).>"], replicas: replicas)
        stream.maximumMessagesPerSubject = 1
        stream.maximumBytes = maximumBytes
        return stream
    }

    /// `nil` for what cannot be a key.
    package func subject(of key: String) -> Subject? {
        guard !key.utf8.contains(where: { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: ">") }) else { return nil }
        return Subject("$KV.\(name).\(key)")
    }

    /// The key that a subject of the bucket is for.
    package func key(of subject: ByteBuffer) -> String? {
        let text = String(buffer: subject)
        let prefix = "$KV.\(name)."
        return text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
    }

    /// Replays the value of each key, and then each change.
    package func watch() -> OrderedConsumer {
        OrderedConsumer(stream: stream, filters: ["$KV.\(name).>"], start: .lastOfEachSubject)
    }

    /// Writes a value if the key's revision is still the given one; 0 for a key that never had a value.
    package func put(_ value: ByteBuffer, for subject: Subject, expecting revision: UInt64) -> Append {
        Append(to: subject, expecting: revision, value)
    }

    /// Marks a key as deleted if its revision is still the given one.
    package func delete(_ subject: Subject, expecting revision: UInt64) -> Append {
        Append(to: subject, expecting: revision, fields: [(Self.operation, "DEL")], ByteBuffer())
    }

    /// True for a message that says that its key has no value.
    package static func isDeleted(_ headers: HeaderBlock?) -> Bool {
        let operation = headers?.value(of: Self.operation)
        return operation == "DEL" || operation == "PURGE"
    }

    private static let operation = "KV-Operation"
}
