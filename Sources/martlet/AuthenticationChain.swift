import BrokerAccess
import BrokerConfiguration
import BrokerServer
import MQTTBroker
import MQTTCodec

/// The authenticators of `authentication`, asked one after the other until one knows the client.
struct AuthenticationChain {
    private let elements: [PasswordAuthentication]
    private let allowsAnonymous: Bool

    /// - Throws: `UserFileError`, which names file and line.
    init(_ configuration: BrokerConfiguration) throws {
        allowsAnonymous = configuration.allowsAnonymous
        elements = try configuration.authentication.filter(\.isEnabled).map { element in
            let users = try UserFile(
                path: element.bootstrapFile,
                content: element.bootstrapType == .hash ? .hashes : .passwords,
                hashing: PasswordHashing(Self.algorithm(element.passwordHash))
            )
            return PasswordAuthentication(
                users: users,
                identifiedBy: element.userIdentifier == .username ? .userName : .clientIdentifier
            )
        }
    }

    var authentication: ClientAuthentication {
        if elements.isEmpty, allowsAnonymous { return .everybody }
        return elements.contains(where: \.isCostly) ? .costly(verdict) : .immediate(verdict)
    }

    private func verdict(_ credentials: Credentials) -> Authenticator.Verdict {
        for element in elements {
            switch element.verdict(
                userName: credentials.userName,
                clientIdentifier: credentials.clientIdentifier,
                password: credentials.password
            ) {
            case .allow: return .allowed
            case .deny: return .refused(.badUserNameOrPassword)
            case .ignore: continue
            }
        }
        return allowsAnonymous ? .allowed : .refused(.notAuthorized)
    }

    private static func algorithm(_ configured: PasswordHashConfiguration) -> PasswordHashing.Algorithm {
        let salt: PasswordHashing.SaltPosition =
            switch configured.saltPosition {
            case .prefix: .prefix
            case .suffix: .suffix
            case .disable: .disable
            }
        switch configured.algorithm {
        case .plain: return .digest(.plain, salt)
        case .sha: return .digest(.sha, salt)
        case .sha256: return .digest(.sha256, salt)
        case .sha512: return .digest(.sha512, salt)
        case .pbkdf2:
            let function: PasswordHashing.MACFunction =
                switch configured.macFunction {
                case .sha: .sha
                case .sha384: .sha384
                case .sha512: .sha512
                case .sha256, nil: .sha256
                }
            return .pbkdf2(
                function,
                iterations: configured.iterations ?? 1,
                derivedKeyLength: configured.derivedKeyLength
            )
        }
    }
}
