import Foundation
package import NIOCore

/// What a server says of itself in INFO, as far as it matters here.
package struct ServerInfo: Equatable, Sendable, Decodable {
    package let serverID: String
    package let serverName: String?
    package let version: String
    /// True if the server takes HPUB and sends HMSG.
    package let hasHeaders: Bool?
    /// Octets of headers and payload of one message at most.
    package let maximumPayload: Int
    package let requiresTLS: Bool?
    package let offersTLS: Bool?
    /// True if the server is about to stop (lame duck mode), and its clients are to go to another one.
    package let isLameDuck: Bool?
    /// What users with keys are to sign; `nil` if the server knows no such users.
    package let nonce: String?
    /// Addresses of all servers of the cluster.
    package let connectURLs: [String]?

    private enum CodingKeys: String, CodingKey {
        case serverID = "server_id"
        case serverName = "server_name"
        case version, nonce
        case hasHeaders = "headers"
        case maximumPayload = "max_payload"
        case requiresTLS = "tls_required"
        case offersTLS = "tls_available"
        case isLameDuck = "ldm"
        case connectURLs = "connect_urls"
    }

    /// `nil` for what is no JSON of INFO.
    package init?(json: ByteBuffer) {
        guard let info = try? JSONDecoder().decode(Self.self, from: Data(json.readableBytesView)) else { return nil }
        guard info.maximumPayload > 0 else { return nil }
        self = info
    }

    /// The server's name, or its identifier, for logs.
    package var name: String { serverName ?? serverID }
}
