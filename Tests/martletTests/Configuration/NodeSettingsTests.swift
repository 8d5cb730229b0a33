import BrokerConfiguration
import Testing

@testable import martlet

@Suite struct NodeSettingsTests {
    /// Nodes that share a secret and a number would deny each other's connections.
    @Test func sharedSecretsNeedANumber() throws {
        #expect(problems(of: "node.secret_file = \"s\"").count == 1)
        #expect(problems(of: "node { secret_file = \"s\", number = 65536 }").count >= 1)
        let node = try load("node { secret_file = \"s\", number = 0, secret_rotation = 6 }").configuration.node
        #expect(node.number == 0 && node.secretFile == "s" && node.secretRotation == 6)
        #expect(try load("node.number = 65535").configuration.node.number == 65_535)
        #expect(try load("").configuration.node.number == nil)
    }

    @Test func secretsHaveRotationsOfTheirOwn() throws {
        let others = "other_secrets = [{ rotation = 1, file = a }, { rotation = 2, file = b }]"
        let node = try load("node { \(others) }").configuration.node
        #expect(node.otherSecrets.map(\.rotation) == [1, 2] && node.otherSecrets.map(\.path) == ["a", "b"])
        #expect(problems(of: "node { secret_rotation = 1, \(others) }").count == 1)
        #expect(
            problems(of: "node.other_secrets = [{ rotation = 1, file = a }, { rotation = 1, file = b }]").count == 1
        )
        #expect(problems(of: "node.other_secrets = [{ rotation = 7, file = a }]").count >= 1)
        #expect(problems(of: "node.other_secrets = [{ file = a }]").count >= 1)
        #expect(problems(of: "node.secret_rotation = 7").count == 1)
        #expect(try load("node.other_secrets.1 { rotation = 1, file = a }").configuration.node.otherSecrets.count == 1)
    }
}
