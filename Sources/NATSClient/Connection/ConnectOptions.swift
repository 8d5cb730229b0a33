import Foundation
import NIOCore
import Secrets

/// The options of CONNECT.
struct ConnectOptions: SecretValue, Encodable {
    private let name: String
    private let user: String?
    private let password: String?
    private let token: String?
    private let requiresTLS: Bool

    init(_ configuration: ConnectionConfiguration) {
        name = configuration.name
        requiresTLS = configuration.requiresTLS
        switch configuration.credentials {
        case .none: (user, password, token) = (nil, nil, nil)
        case .password(let user, let password): (self.user, self.password, token) = (user, password, nil)
        case .token(let token): (user, password, self.token) = (nil, nil, token)
        }
    }

    private enum CodingKeys: String, CodingKey {
        case verbose, pedantic, headers, echo, lang, version, name, user
        case asksForNoResponders = "no_responders"
        case tlsRequired = "tls_required"
        case protocolVersion = "protocol"
        case password = "pass"
        case token = "auth_token"
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(false, forKey: .verbose)
        try fields.encode(false, forKey: .pedantic)
        try fields.encode(true, forKey: .headers)
        try fields.encode(true, forKey: .asksForNoResponders)
        try fields.encode(true, forKey: .echo)
        try fields.encode(requiresTLS, forKey: .tlsRequired)
        // 1: the server may send INFO again, with other addresses or as a lame duck.
        try fields.encode(1, forKey: .protocolVersion)
        try fields.encode("swift", forKey: .lang)
        try fields.encode("0", forKey: .version)
        try fields.encode(name, forKey: .name)
        try fields.encodeIfPresent(user, forKey: .user)
        try fields.encodeIfPresent(password, forKey: .password)
        try fields.encodeIfPresent(token, forKey: .token)
    }

    /// `nil` if they are longer than a server reads.
    var octets: ConnectOctets? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(self), json.count <= Self.longest else { return nil }
        return ConnectOctets(json: ByteBuffer(bytes: json))
    }

    /// A server reads control lines of 4,096 octets; `CONNECT` and CR LF take ten.
    static let longest = VerbLimits().controlLine - 10
}
