/// One thing that somebody did by the REST interface or the dashboard: no bodies, and nothing secret.
package struct AuditEntry: Codable, Equatable, Sendable {
    /// Milliseconds since 1970.
    package var time: Int
    /// The address of whoever did it.
    package var source: String
    /// `nil` for somebody who is unknown.
    package var kind: Principal.Kind?
    package var name: String?
    /// The method and the path of the request, such as `DELETE /clients/c1`.
    package var operation: String
    /// Of HTTP.
    package var status: Int
    /// Failed attempts to sign in before this entry that are not entries themselves, since there were too many.
    package var leftOut: Int?

    package init(time: Int, source: String, by principal: Principal?, operation: String, status: Int) {
        self.time = time
        self.source = source
        kind = principal?.kind
        name = principal?.name
        self.operation = operation
        self.status = status
    }

    static let signIn = "POST /login"

    /// - Parameter user: `nil` for an unknown one.
    static func signIn(at time: Int, from source: String, user: String?, status: Int) -> AuditEntry {
        var entry = AuditEntry(time: time, source: source, by: nil, operation: signIn, status: status)
        entry.kind = user == nil ? nil : .user
        entry.name = user
        return entry
    }

    var isFailedSignIn: Bool { operation == Self.signIn && status != 200 }

    /// The entry with texts that are cut to a number of characters.
    func cut(to maximum: Int) -> AuditEntry {
        var entry = self
        entry.source = String(source.prefix(maximum))
        entry.name = name.map { String($0.prefix(maximum)) }
        entry.operation = String(operation.prefix(maximum))
        return entry
    }
}
