import Foundation
package import NIOCore

/// A message that JetStream was asked for, as its API gives it.
package struct LastMessage: Equatable, Sendable, Decodable {
    package let subject: String
    package let sequence: UInt64
    package let headers: HeaderBlock?
    package let payload: ByteBuffer

    package init(subject: String, sequence: UInt64, headers: HeaderBlock? = nil, payload: ByteBuffer) {
        self.subject = subject
        self.sequence = sequence
        self.headers = headers
        self.payload = payload
    }

    private enum OuterKeys: String, CodingKey { case message }

    private enum CodingKeys: String, CodingKey {
        case subject
        case sequence = "seq"
        case headers = "hdrs"
        case payload = "data"
    }

    package init(from decoder: any Decoder) throws {
        let outer = try decoder.container(keyedBy: OuterKeys.self)
        let fields = try outer.nestedContainer(keyedBy: CodingKeys.self, forKey: .message)
        subject = try fields.decode(String.self, forKey: .subject)
        sequence = try fields.decode(UInt64.self, forKey: .sequence)
        payload = ByteBuffer(bytes: try fields.decodeIfPresent(Data.self, forKey: .payload) ?? Data())
        headers = try fields.decodeIfPresent(Data.self, forKey: .headers).flatMap {
            HeaderBlock(octets: ByteBuffer(bytes: $0))
        }
    }
}
