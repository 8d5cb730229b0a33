import Foundation
package import NIOCore

/// A request to JetStream's API, and how its answer is read.
package struct JetStreamRequest<Answer: Decodable & Sendable>: Sendable {
    package let subject: Subject
    package let payload: ByteBuffer

    /// - Parameter names: of a stream or a consumer, checked by the caller's types.
    init(_ operation: String, _ body: (some Encodable)?) {
        subject = Subject(trusted: "$JS.API.\(operation)")
        let json = body.flatMap { try? JSONEncoder().encode($0) }
        payload = json.map { ByteBuffer(bytes: $0) } ?? ByteBuffer()
    }

    package var publication: Publication { Publication(to: subject, payload: payload) }

    package func answer(to reply: Reply) -> Result<Answer, JetStreamFailure> {
        switch reply {
        case .timedOut: .failure(.noAnswer(.timedOut))
        case .disconnected: .failure(.noAnswer(.disconnected))
        case .noResponders: .failure(.noAnswer(.noResponders))
        case .answer(let publication): JetStreamAnswer<Answer>.read(publication.payload)
        }
    }
}

/// The form of all answers of JetStream: an error, or what was asked for.
struct JetStreamAnswer<Answer: Decodable>: Decodable {
    private let result: Result<Answer, JetStreamError>

    private enum CodingKeys: String, CodingKey { case error }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        if let error = try fields.decodeIfPresent(JetStreamError.self, forKey: .error) {
            result = .failure(error)
        } else {
            result = .success(try Answer(from: decoder))
        }
    }

    static func read(_ json: ByteBuffer) -> Result<Answer, JetStreamFailure> {
        guard let answer = try? JSONDecoder().decode(Self.self, from: Data(json.readableBytesView)) else {
            return .failure(.malformed)
        }
        return answer.result.mapError { error in
            error.errorCode == JetStreamError.unavailable ? .noAnswer(.unavailable) : .refused(error)
        }
    }
}

private struct Nothing: Encodable {}

extension JetStreamRequest where Answer == StreamInfo {
    /// Creates a stream; one with the same configuration may be there already.
    package static func create(_ stream: StreamConfiguration) -> Self { Self("STREAM.CREATE.\(stream.name)", stream) }

    /// Gives a stream another configuration.
    package static func update(_ stream: StreamConfiguration) -> Self { Self("STREAM.UPDATE.\(stream.name)", stream) }

    package static func info(of stream: String) -> Self { Self("STREAM.INFO.\(stream)", Nothing?.none) }
}

extension JetStreamRequest where Answer == LastMessage {
    /// The last message of a subject, asked of the stream's leader, so that no acknowledged one is missed.
    package static func last(of subject: Subject, in stream: String) -> Self {
        Self("STREAM.MSG.GET.\(stream)", ["last_by_subj": subject.description])
    }

    /// The first message of a subject from a sequence on, asked of the stream's leader.
    package static func next(of subject: Subject, from sequence: UInt64, in stream: String) -> Self {
        Self("STREAM.MSG.GET.\(stream)", NextBody(seq: sequence, next_by_subj: subject.description))
    }
}

extension JetStreamRequest where Answer == Purged {
    /// Deletes the messages of a subject before a sequence, which itself stays.
    package static func purge(_ subject: Subject, in stream: String, before sequence: UInt64) -> Self {
        Self("STREAM.PURGE.\(stream)", PurgeBody(filter: subject.description, seq: sequence))
    }
}

private struct NextBody: Encodable {
    let seq: UInt64
    let next_by_subj: String
}

private struct PurgeBody: Encodable {
    let filter: String
    let seq: UInt64
}

/// How many messages were deleted.
package struct Purged: Equatable, Sendable, Decodable {
    package let purged: UInt64
}

extension JetStreamRequest where Answer == ConsumerInfo {
    static func create(_ consumer: ConsumerConfiguration, of stream: String) -> Self {
        Self("CONSUMER.CREATE.\(stream)", ConsumerBody(stream_name: stream, config: consumer))
    }
}

private struct ConsumerBody: Encodable {
    let stream_name: String
    let config: ConsumerConfiguration
}
