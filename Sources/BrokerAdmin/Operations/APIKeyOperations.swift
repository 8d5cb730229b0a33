import HTTPTypes

/// `/api_key`: the keys of programs.
struct APIKeyOperations {
    let accounts: Accounts

    var all: [APIOperation] { [list, create, one, change, delete] }

    private static let tag = "API keys"
    private static let role: Schema = .string(.oneOf(Role.allCases.map(\.rawValue)))
    private static let expiry: Schema = .anyOf([
        .string(.dateTime), .integer(0...253_402_300_799), .string(.oneOf(["infinity"])),
    ])
    private static let members: [Schema.Property] = [
        .init("name", .string()), .init("api_key", .string()), .init("desc", .string()), .init("enable", .boolean()),
        .init("expired", .boolean()), .init("expired_at", .string()), .init("created_at", .string(.dateTime)),
        .init("role", role),
    ]
    private static let schema: Schema = .named("APIKey", .object(members))
    private static let name = APIParameter.path("name", "The name of the API key.")

    private var list: APIOperation {
        APIOperation(.get, "/api_key", tag: Self.tag, "List API keys", answer: .array(of: Self.schema)) { _ in
            let keys = await accounts.listKeys()
            return .json { json in json.array(keys) { $1.write(secret: nil, to: &$0) } }
        }
    }

    private var create: APIOperation {
        APIOperation(
            .post,
            "/api_key",
            tag: Self.tag,
            "Create an API key, whose secret is told this once",
            body: .object([
                .init("name", .string()), .init("desc", .string(), isRequired: false),
                .init("enable", .boolean(), isRequired: false),
                .init("expired_at", Self.expiry, isRequired: false), .init("role", Self.role, isRequired: false),
            ]),
            answer: .named("NewAPIKey", .object(Self.members + [.init("api_secret", .string())]))
        ) { request in
            let made = try await accounts.createKey(
                request.text("name"),
                description: request.text("desc"),
                isEnabled: request.body?["enable"]?.boolean ?? true,
                expiresAt: try request.expiry?.instant,
                role: request.role ?? .administrator
            )
            return .json { made.key.write(secret: made.secret, to: &$0) }
        }
    }

    private var one: APIOperation {
        APIOperation(
            .get,
            "/api_key/{name}",
            tag: Self.tag,
            "Show an API key",
            parameters: [Self.name],
            answer: Self.schema,
            refusals: [.notFound]
        ) { request in
            let key = try await accounts.key(request.path["name"] ?? "")
            return .json { key.write(secret: nil, to: &$0) }
        }
    }

    private var change: APIOperation {
        APIOperation(
            .put,
            "/api_key/{name}",
            tag: Self.tag,
            "Change an API key; what is left out stays",
            parameters: [Self.name],
            body: .object([
                .init("desc", .string(), isRequired: false), .init("enable", .boolean(), isRequired: false),
                .init("expired_at", Self.expiry, isRequired: false), .init("role", Self.role, isRequired: false),
            ]),
            answer: Self.schema,
            refusals: [.notFound]
        ) { request in
            let change = APIKeyChange(
                description: request.body?["desc"]?.string,
                isEnabled: request.body?["enable"]?.boolean,
                expiry: try request.expiry,
                role: request.role
            )
            let key = try await accounts.changeKey(request.path["name"] ?? "", change)
            return .json { key.write(secret: nil, to: &$0) }
        }
    }

    private var delete: APIOperation {
        APIOperation(
            .delete,
            "/api_key/{name}",
            tag: Self.tag,
            "Delete an API key",
            parameters: [Self.name],
            refusals: [.notFound]
        ) { request in
            try await accounts.deleteKey(request.path["name"] ?? "")
            return .nothing
        }
    }
}

extension APIRequest {
    /// `expired_at`: RFC 3339, seconds since 1970-01-01 UTC, or `infinity`; `nil` if it is left out.
    fileprivate var expiry: APIKeyChange.Expiry? {
        get throws {
            guard let value = body?["expired_at"] else { return nil }
            if let seconds = value.integer { return .at(seconds * 1_000) }
            guard let text = value.string, text != "infinity" else { return .never }
            guard let time = WallTime(text) else { throw APIFailure.badRequest("expired_at is no instant") }
            return .at(Int(time.milliseconds))
        }
    }
}

extension APIKeyChange.Expiry {
    /// Milliseconds since 1970-01-01 UTC; `nil` for never.
    fileprivate var instant: Int? { if case .at(let instant) = self { instant } else { nil } }
}

extension APIKey {
    fileprivate func write(secret: String?, to json: inout JSONWriter) {
        json.object { json in
            json.member("name", name)
            json.member("api_key", key)
            if let secret { json.member("api_secret", secret) }
            json.member("desc", description)
            json.member("enable", isEnabled)
            json.member("expired", isExpired(at: WallTime.now))
            json.member("expired_at", expiresAt.map { WallTime(milliseconds: Int64($0)).text } ?? "infinity")
            json.member("created_at", WallTime(milliseconds: Int64(createdAt)).text)
            json.member("role", role.rawValue)
        }
    }
}
