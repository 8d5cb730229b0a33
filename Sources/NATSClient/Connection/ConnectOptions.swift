import Foundation
import NIOCore
import Secrets

/// The options of CONNECT.
struct ConnectOptions: SecretValue, Encodable {
    private let name: String
    private let user: String?
    private let password: String?
    private let token: String?
    private let jwt: String?
    /// The text of the public key, where no JWT says it.
    private let publicKey: String?
    private let signature: String?
    private let requiresTLS: Bool

    /// - Parameter nonce: what the server wants signed, of its INFO.
    /// - Throws: `unsigned` if something is to be signed and there is no nonce.
    init(_ configuration: ConnectionConfiguration, nonce: String?) throws(ConnectionFailure) {
        name = configuration.name
        requiresTLS = configuration.requiresTLS
        var (user, password, token, jwt): (String?, String?, String?, String?)
        var key: UserKey?
        switch configuration.credentials {
        case .none: break
        case .password(let name, let text): (user, password) = (name, text)
        case .token(let text): token = text
        case .key(let own): key = own
        case .certified(let text, let own): (jwt, key) = (text, own)
        }
        (self.user, self.password, self.token, self.jwt) = (user, password, token, jwt)
        publicKey = jwt == nil ? key?.publicText : nil
        signature = nonce.flatMap { key?.signature(of: $0) }
        if key != nil, signature == nil { throw .unsigned }
    }

    private enum CodingKeys: String, CodingKey {
        case verbose, pedantic, headers, echo, lang, version, name, user, jwt
        case asksForNoResponders = "no_responders"
        case tlsRequired = "tls_required"
        case protocolVersion = "protocol"
        case password = "pass"
        case token = "auth_token"
        case publicKey = "nkey"
        case signature = "sig"
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
        try fields.encodeIfPresent(jwt, forKey: .jwt)
        try fields.encodeIfPresent(publicKey, forKey: .publicKey)
        try fields.encodeIfPresent(signature, forKey: .signature)
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
