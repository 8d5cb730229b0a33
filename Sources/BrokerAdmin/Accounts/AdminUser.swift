import BrokerCluster

/// A user of the dashboard and of the REST interface.
package struct AdminUser: AccountRecord {
    package let name: String
    package var description: String
    package var role: Role
    var password: PasswordHash
    /// Another one for each password, so that the tokens of an earlier one do not count, also while they are still there.
    var passwordNumber: UInt64

    static let kind = MetaKind.user

    init(name: String, description: String, role: Role, password: PasswordHash) {
        self.name = name
        self.description = description
        self.role = role
        self.password = password
        passwordNumber = Self.makeNumber()
    }

    /// Gives the user another password.
    mutating func set(_ password: PasswordHash) {
        self.password = password
        passwordNumber = Self.makeNumber()
    }

    /// JSON of other languages has 53 bits of an integer.
    private static func makeNumber() -> UInt64 { UInt64.random(in: 1..<1 << 53) }
}
