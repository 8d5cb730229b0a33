/// An error that JetStream answers with.
package struct JetStreamError: Error, Equatable, Sendable, Decodable, CustomStringConvertible {
    /// As in HTTP: 400, 404, 503.
    package let code: Int
    /// Which error it is, 10000 and up.
    package let errorCode: Int
    /// In words of the server.
    package let text: String

    private enum CodingKeys: String, CodingKey {
        case code
        case errorCode = "err_code"
        case text = "description"
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        code = try fields.decode(Int.self, forKey: .code)
        errorCode = try fields.decodeIfPresent(Int.self, forKey: .errorCode) ?? 0
        text = try fields.decodeIfPresent(String.self, forKey: .text) ?? ""
    }

    package init(code: Int, errorCode: Int, text: String) {
        self.code = code
        self.errorCode = errorCode
        self.text = text
    }

    package var description: String { "JetStream error \(errorCode): \(text)" }

    /// JetStream is there, and cannot serve for the moment.
    static let unavailable = 10_008
    /// True if nothing can be stored for want of space: in the stream (10077), at the server (10023, 10028, 10047), or by the bounds of the
    /// account (10002).
    package var isOutOfSpace: Bool { [10_002, 10_023, 10_028, 10_047, 10_077].contains(errorCode) }

    /// There is no stream of that name.
    package static let noStream = 10_059
    /// There is one of that name that is set up otherwise.
    package static let otherStream = 10_058
    /// There are not as many servers as replicas.
    package static let noPeers = 10_005
    /// There is no message of that subject, or with that sequence.
    package static let noMessage = 10_037
    /// The last sequence of the subject is another than the expected one.
    static let wrongLastSequence = 10_071
    /// The same, while an append to the subject is being applied; it says nothing of the outcome.
    static let appendUnderWay = 10_164
}

/// Why a request to JetStream has no result.
package enum JetStreamFailure: Error, Equatable, Sendable {
    /// What became of the request is not known.
    case noAnswer(NoAnswer)
    case refused(JetStreamError)
    /// The answer is not one of JetStream.
    case malformed
    case notSent(SendFailure)
}

/// Why there is no answer.
package enum NoAnswer: Equatable, Sendable {
    case timedOut
    case disconnected
    /// Nobody leads the stream, or there is none (503).
    case noResponders
    /// JetStream says that it is not available (10008).
    case unavailable
}
