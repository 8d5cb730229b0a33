import HTTPTypes

/// `/login`, `/users` and `/api_key`: who may use the REST interface.
struct AccountOperations {
    let accounts: Accounts
    /// Martlet's version.
    let version: String

    var all: [APIOperation] {
        [login, logout, users, createUser, changeUser, deleteUser, changePassword]
    }

    private static let tag = "Accounts"
    private static let role: Schema = .string(.oneOf(Role.allCases.map(\.rawValue)))
    private static let user: Schema = .named(
        "User",
        .object([.init("username", .string()), .init("description", .string()), .init("role", role)])
    )
    private static let name = APIParameter.path("username", "The name of the user.")

    private var login: APIOperation {
        APIOperation(
            .post,
            "/login",
            tag: Self.tag,
            "Sign in: get a token for the header `Authorization: Bearer`",
            body: .object([.init("username", .string()), .init("password", .string())]),
            answer: .object([
                .init("token", .string()), .init("version", .string()), .init("role", Self.role),
                .init("license", .object([.init("edition", .string())])),
            ])
        ) { request in
            let signedIn = try await accounts.signIn(
                request.text("username"),
                password: request.text("password"),
                from: request.asker.address
            )
            return .json { json in
                json.object { json in
                    json.member("token", signedIn.token)
                    json.member("version", version)
                    json.member("role", signedIn.user.role.rawValue)
                    json.member("license") { json in json.object { $0.member("edition", "opensource") } }
                }
            }
        }.open
    }

    private var logout: APIOperation {
        APIOperation(
            .post,
            "/logout",
            tag: Self.tag,
            "Sign out: end the token of this request",
            body: .object([.init("username", .string())])
        ) { request in
            guard case .bearer(let token)? = request.asker.authorization.flatMap({ AuthorizationHeader($0) }) else {
                throw AccountRefusal(.wrongTokenOrUser)
            }
            try await accounts.signOut(token, user: request.text("username"))
            return .nothing
        }
    }

    private var users: APIOperation {
        APIOperation(.get, "/users", tag: Self.tag, "List users", answer: .array(of: Self.user)) { _ in
            let users = await accounts.listUsers()
            return .json { json in json.array(users) { $1.write(to: &$0) } }
        }
    }

    private var createUser: APIOperation {
        APIOperation(
            .post,
            "/users",
            tag: Self.tag,
            "Create a user",
            body: .object([
                .init("username", .string()), .init("password", .string()),
                .init("description", .string(), isRequired: false),
                .init("role", Self.role, isRequired: false),
            ]),
            answer: Self.user
        ) { request in
            let user = try await accounts.createUser(
                request.text("username"),
                password: request.text("password"),
                description: request.text("description"),
                role: request.role ?? .administrator
            )
            return .json { user.write(to: &$0) }
        }
    }

    private var changeUser: APIOperation {
        APIOperation(
            .put,
            "/users/{username}",
            tag: Self.tag,
            "Change a user's description and role",
            parameters: [Self.name],
            body: .object([.init("description", .string()), .init("role", Self.role, isRequired: false)]),
            answer: Self.user,
            refusals: [.notFound]
        ) { request in
            let user = try await accounts.changeUser(
                request.path["username"] ?? "",
                description: request.text("description"),
                role: request.role,
                by: try request.principal
            )
            return .json { user.write(to: &$0) }
        }
    }

    private var deleteUser: APIOperation {
        APIOperation(
            .delete,
            "/users/{username}",
            tag: Self.tag,
            "Delete a user",
            parameters: [Self.name],
            refusals: [.notFound]
        ) { request in
            try await accounts.deleteUser(request.path["username"] ?? "", by: try request.principal)
            return .nothing
        }
    }

    private var changePassword: APIOperation {
        APIOperation(
            .post,
            "/users/{username}/change_pwd",
            tag: Self.tag,
            "Change a password; all tokens of the user end",
            parameters: [Self.name],
            body: .object([.init("old_pwd", .string()), .init("new_pwd", .string())]),
            refusals: [.notFound]
        ) { request in
            try await accounts.changePassword(
                of: request.path["username"] ?? "",
                from: request.text("old_pwd"),
                to: request.text("new_pwd")
            )
            return .nothing
        }
    }
}

extension AdminUser {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("username", name)
            json.member("description", description)
            json.member("role", role.rawValue)
        }
    }
}

extension APIRequest {
    /// A string of the body; empty if it is missing.
    func text(_ name: String) -> String { body?[name]?.string ?? "" }

    var role: Role? { body?["role"]?.string.flatMap { Role(rawValue: $0) } }

    /// - Throws: `AccountRefusal`.
    var principal: Principal {
        get throws {
            guard let principal = asker.principal else { throw AccountRefusal(.badHeader) }
            return principal
        }
    }
}
