import Foundation
import HTTPTypes
import MQTTBroker
import NIOCore

/// `/publish`: messages of programs that speak no MQTT.
struct PublishOperations {
    let source: any ClientSource

    var all: [APIOperation] { [publish, publishSeveral] }

    /// Messages of one request.
    static let maximumMessages = 1_000

    private static let message: Schema = .named(
        "MessageToPublish",
        .object([
            .init("topic", .string()), .init("payload", .string()), .init("qos", .integer(0...2), isRequired: false),
            .init("retain", .boolean(), isRequired: false), .init("clientid", .string(), isRequired: false),
            .init("payload_encoding", .string(.oneOf(["plain", "base64"])), isRequired: false),
            .init(
                "properties",
                .object([
                    .init("payload_format_indicator", .integer(0...1), isRequired: false),
                    .init("message_expiry_interval", .integer(0...4_294_967_295), isRequired: false),
                    .init("response_topic", .string(), isRequired: false),
                    .init("content_type", .string(), isRequired: false),
                    .init("correlation_data", .string(), isRequired: false),
                    .init("user_properties", .object([], isOpen: true), isRequired: false),
                ]),
                isRequired: false
            ),
        ])
    )
    private static let published: Schema = .named("Published", .object([.init("id", .string())]))
    private static let unpublished: Schema = .named(
        "Unpublished",
        .object([
            .init("reason_code", .integer()), .init("message", .string()), .init("id", .string(), isRequired: false),
        ])
    )
    /// What the checks of a request say, or those of MQTT.
    private static let mistake: Schema = .anyOf([unpublished, .named("Failure", APIFailure.schema)])

    private var publish: APIOperation {
        APIOperation(
            .post,
            "/publish",
            tag: "Publish",
            "Publish a message; 202 if nobody is subscribed to its topic",
            body: Self.message,
            answer: Self.published
        ) { request in
            let result = await publish(try Self.read(request.body ?? .null))
            return .other(result.status, Self.json { result.write(to: &$0) })
        }.answering([(.accepted, Self.unpublished), (.badRequest, Self.mistake), (.serviceUnavailable, Self.mistake)])
    }

    private var publishSeveral: APIOperation {
        APIOperation(
            .post,
            "/publish/bulk",
            tag: "Publish",
            "Publish several messages, in their order; 202 if nobody is subscribed to the topic of one of them",
            body: .array(of: Self.message),
            answer: .array(of: Self.published)
        ) { request in
            let messages = request.body?.array ?? []
            guard messages.count <= Self.maximumMessages else {
                throw APIFailure.badRequest("a request has at most \(Self.maximumMessages) messages")
            }
            // All are read before the first is published.
            var results: [Result] = []
            for message in try messages.map(Self.read) { results.append(await publish(message)) }
            let worst = results.map(\.status).max { $0.code < $1.code } ?? .ok
            return .other(worst, Self.json { json in json.array(results) { $1.write(to: &$0) } })
        }.answering([
            (.accepted, .array(of: .anyOf([Self.published, Self.unpublished]))),
            (
                .badRequest,
                .anyOf([.array(of: .anyOf([Self.published, Self.unpublished])), .named("Failure", APIFailure.schema)])
            ),
            (
                .serviceUnavailable,
                .anyOf([.array(of: .anyOf([Self.published, Self.unpublished])), .named("Failure", APIFailure.schema)])
            ),
        ])
    }

    private static func json(_ body: (inout JSONWriter) -> Void) -> ByteBuffer {
        var json = JSONWriter()
        body(&json)
        return json.octets
    }

    private func publish(_ message: MessageToPublish) async -> Result {
        Result(outcome: await source.publish(message))
    }

    /// - Throws: `APIFailure`.
    private static func read(_ value: JSONValue) throws -> MessageToPublish {
        let text = value["payload"]?.string ?? ""
        let isEncoded = value["payload_encoding"]?.string == "base64"
        guard let payload = isEncoded ? Data(base64Encoded: text) : Data(text.utf8) else {
            throw APIFailure.badRequest("payload is no base64")
        }
        var message = MessageToPublish(
            topic: value["topic"]?.string ?? "",
            payload: ByteBuffer(bytes: payload),
            qos: UInt8(clamping: value["qos"]?.integer ?? 0),
            retain: value["retain"]?.boolean ?? false
        )
        guard let properties = value["properties"] else { return message }
        message.payloadIsUTF8 = properties["payload_format_indicator"]?.integer.map { $0 == 1 }
        message.expiryInterval = properties["message_expiry_interval"]?.integer.map { UInt32(clamping: $0) }
        message.responseTopic = properties["response_topic"]?.string
        message.contentType = properties["content_type"]?.string
        message.correlationData = properties["correlation_data"]?.string.map { ByteBuffer(string: $0) }
        if case .object(let pairs)? = properties["user_properties"] {
            message.userProperties = try pairs.sorted { $0.key < $1.key }.map { name, value in
                guard let value = value.string else {
                    throw APIFailure.badRequest("properties.user_properties.\(name) has to be a string")
                }
                return (name, value)
            }
        }
        return message
    }

    /// What one message is answered with, in the peer's words.
    private struct Result {
        let outcome: MessageToPublish.Outcome?

        var status: HTTPResponse.Status {
            switch outcome {
            case .published: .ok
            case .noSubscribers: .accepted
            case .topicInvalid, .tooLarge: .badRequest
            case .refused, nil: .serviceUnavailable
            }
        }

        func write(to json: inout JSONWriter) {
            json.object { json in
                switch outcome {
                case .published: json.member("id", RandomText.hexadecimal(RandomText.octets(16)))
                case .noSubscribers: Self.write(0x10, "no_matching_subscribers", to: &json)
                case .topicInvalid: Self.write(0x90, "topic_name_invalid", to: &json)
                case .tooLarge: Self.write(0x95, "packet_too_large", to: &json)
                case .refused, nil: Self.write(0x83, "failed_to_dispatch", to: &json)
                }
            }
        }

        private static func write(_ reason: Int, _ message: String, to json: inout JSONWriter) {
            json.member("reason_code", reason)
            json.member("message", message)
        }
    }
}
