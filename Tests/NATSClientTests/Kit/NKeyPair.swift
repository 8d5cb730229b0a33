import Crypto
import Foundation
import NIOCore

@testable import NATSClient

/// An Ed25519 key of NATS with its texts, and JWTs that it signs: what `nsc` makes for operators, accounts and users.
struct NKeyPair {
    enum Kind: UInt8 {
        case operators = 14
        case account = 0
        case user = 20
    }

    let kind: Kind
    private let key = Curve25519.Signing.PrivateKey()

    init(_ kind: Kind) { self.kind = kind }

    var publicText: String { Self.text([kind.rawValue << 3] + key.publicKey.rawRepresentation) }

    var seed: String {
        let letter = kind.rawValue << 3
        return Self.text([18 << 3 | letter >> 5, letter << 3] + key.rawRepresentation)
    }

    private static func text(_ octets: [UInt8]) -> String {
        var sum: UInt16 = 0
        for octet in octets {
            sum ^= UInt16(octet) << 8
            for _ in 0..<8 { sum = sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x1021 }
        }
        return Base32.text(of: octets + [UInt8(truncatingIfNeeded: sum), UInt8(sum >> 8)])
    }

    /// A JWT of this key's about another one.
    func jwt(for subject: NKeyPair, _ nats: String) throws -> String {
        let claims = """
            {"jti":"\(UUID())","iat":1700000000,"iss":"\(publicText)","name":"test","sub":"\(subject.publicText)","nats":\(nats)}
            """
        let body = Self.base64(Data(#"{"typ":"JWT","alg":"ed25519-nkey"}"#.utf8)) + "." + Self.base64(Data(claims.utf8))
        return body + "." + Self.base64(try key.signature(for: Data(body.utf8)))
    }

    private static func base64(_ octets: Data) -> String {
        octets.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// A credentials file.
    func credentials(jwt: String) -> String {
        """
        -----BEGIN NATS USER JWT-----
        \(jwt)
        ------END NATS USER JWT------

        ************************* IMPORTANT *************************
        NKEY Seed printed below can be used to sign and prove identity.

        -----BEGIN USER NKEY SEED-----
        \(seed)
        ------END USER NKEY SEED------

        *************************************************************

        """
    }
}

/// An operator with two accounts, one for the servers and one for a user, as lines of a server's configuration.
struct NKeyOperator {
    let lines: [String]
    /// The user's credentials file.
    let credentials: String
    private static let limits =
        #""subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,"wildcards":true,"conn":-1,"leaf":-1"#
    private static let storage = #""mem_storage":-1,"disk_storage":-1,"streams":-1,"consumer":-1"#

    init() throws {
        let (root, system, account) = (NKeyPair(.operators), NKeyPair(.account), NKeyPair(.account))
        let user = NKeyPair(.user)
        let own = try root.jwt(
            for: root,
            #"{"type":"operator","version":2,"system_account":"\#(system.publicText)"}"#
        )
        let plain = #"{"type":"account","version":2,"limits":{\#(Self.limits)}}"#
        let storing = #"{"type":"account","version":2,"limits":{\#(Self.limits),\#(Self.storage)}}"#
        let rights = #"{"type":"user","version":2,"pub":{},"sub":{},"subs":-1,"data":-1,"payload":-1}"#
        lines = [
            "operator: \(own)", "system_account: \(system.publicText)", "resolver: MEMORY",
            "resolver_preload { \(system.publicText): \(try root.jwt(for: system, plain))",
            "\(account.publicText): \(try root.jwt(for: account, storing)) }",
        ]
        credentials = user.credentials(jwt: try account.jwt(for: user, rights))
    }
}
