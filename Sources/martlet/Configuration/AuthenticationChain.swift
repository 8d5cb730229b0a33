import BrokerAccess
import BrokerServer
import MQTTBroker
import MQTTCodec

/// The user files of `authentication`, asked one after the other until one knows the client.
struct AuthenticationChain {
    private let elements: [PasswordAuthentication]
    private let allowsAnonymous: Bool

    /// - Throws: `UserFileError`, which names file and line.
    init(_ settings: ServerSettings) throws {
        allowsAnonymous = settings.allowsAnonymous
        elements = try settings.userFiles.filter(\.isEnabled).map { element in
            let users = try UserFile(
                path: element.path,
                content: element.content,
                hashing: element.passwordHash.hashing
            )
            return PasswordAuthentication(users: users, identifiedBy: element.identifier)
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
}
