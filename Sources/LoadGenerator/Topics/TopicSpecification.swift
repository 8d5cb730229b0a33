import FoundationEssentials
import MQTTCodec
import NIOCore

/// One topic of the file of `--topics-payload`, in the form of emqtt_bench's `topic_spec.json`.
struct TopicSpecification: Sendable {
    /// `%i`, `%c`, `%u` and `%rand_N` are replaced where they are a whole level.
    let name: String
    let retain: Bool
    let interval: Nanoseconds
    /// Nanoseconds of the unit of a time that is put into the payload as `timestamp`; `nil` for none.
    let timestampUnit: Nanoseconds?
    let qos: QualityOfService
    let encoding: Encoding
    let payload: [String: JSONValue]
    let stream: Int
    let streamPriority: UInt16
    /// The field of the payload whose variables are replaced.
    let render: String?

    /// How the object of the payload is written.
    enum Encoding: String, Sendable {
        /// Erlang's external term format.
        case eterm
        case json
    }

    static let timestampKey = "timestamp"

    /// Reads a file of topics.
    ///
    /// - Throws: ``UsageError`` that names the file, the topic, the key and what is allowed.
    static func read(_ path: String, isQUIC: Bool) throws(UsageError) -> [TopicSpecification] {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw UsageError("cannot read the file of topics \(path)")
        }
        guard case .object(let file)? = try? JSONDecoder().decode(JSONValue.self, from: data),
            case .array(let topics)? = file["topics"], !topics.isEmpty
        else { throw UsageError("\(path): expected a JSON object with a list 'topics'") }
        var specifications: [TopicSpecification] = []
        for (index, topic) in topics.enumerated() {
            do throws(UsageError) {
                guard case .object(let fields) = topic else { throw UsageError("expected an object") }
                specifications.append(try TopicSpecification(fields, isQUIC: isQUIC))
            } catch {
                throw UsageError("\(path): topic \(index + 1): \(error)")
            }
        }
        return specifications
    }

    private init(_ fields: [String: JSONValue], isQUIC: Bool) throws(UsageError) {
        func bad(_ key: String, _ allowed: String) -> UsageError {
            guard let value = fields[key] else { return UsageError("'\(key)' required: \(allowed)") }
            return UsageError("bad value \(value.text) for '\(key)': \(allowed)")
        }
        func integer(_ key: String, in range: ClosedRange<Int64>) throws(UsageError) -> Int64 {
            guard case .integer(let value)? = fields[key], range.contains(value) else {
                throw bad(key, "\(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
        guard case .string(let name)? = fields["name"], !name.isEmpty, !name.contains("+"), !name.contains("#") else {
            throw bad("name", "a topic without + and #")
        }
        self.name = name
        switch fields["retain"] {
        case nil: retain = false
        case .boolean(let value)?: retain = value
        default: throw bad("retain", "true or false")
        }
        guard let interval = Self.interval(fields["interval_ms"]) else {
            throw bad("interval_ms", "milliseconds, 0 to 86400000")
        }
        self.interval = interval
        switch fields["inject_timestamp"] {
        case .boolean(false)?: timestampUnit = nil
        case .boolean(true)?, .string("ms")?: timestampUnit = 1_000_000
        case .string("s")?: timestampUnit = 1_000_000_000
        case .string("us")?: timestampUnit = 1000
        case .string("ns")?: timestampUnit = 1
        default: throw bad("inject_timestamp", "true, false, \"s\", \"ms\", \"us\" or \"ns\"")
        }
        qos = QualityOfService(rawValue: UInt8(try integer("QoS", in: 0...2))) ?? .atMostOnce
        guard case .string(let word)? = fields["payload_encoding"], let encoding = Encoding(rawValue: word) else {
            throw bad("payload_encoding", "\"eterm\" or \"json\"")
        }
        self.encoding = encoding
        guard case .object(let payload)? = fields["payload"] else { throw bad("payload", "an object") }
        self.payload = payload
        stream = Int(try integer("stream", in: 0...(isQUIC ? 65_534 : 0)))
        streamPriority = UInt16(try integer("stream_priority", in: 0...65_535))
        switch fields["render"] {
        case nil: render = nil
        case .string(let field)?:
            guard case .string(let template)? = payload[field] else { throw bad("render", "a text of the payload") }
            guard !template.hasPrefix("%p") || PaddingPages(template) != nil else {
                throw UsageError("bad value '\(template)' for '\(field)': %p and the number of pages, 1 to 65535")
            }
            render = field
        default: throw bad("render", "a key of the payload")
        }
    }

    /// emqtt_bench's files have the number as a text.
    private static func interval(_ value: JSONValue?) -> Nanoseconds? {
        let milliseconds: Double? =
            switch value {
            case .string(let text)?: Double(text)
            case .integer(let number)?: Double(number)
            case .double(let number)?: number
            default: nil
            }
        guard let milliseconds, (0...86_400_000).contains(milliseconds) else { return nil }
        return Nanoseconds(milliseconds * 1_000_000)
    }
}
