import HTTPTypes

/// `/audit`: who did what by the REST interface of this node.
struct AuditOperations {
    let audit: AuditLog

    var all: [APIOperation] { [list] }

    private static let entry: Schema = .named(
        "AuditEntry",
        .object([
            .init("created_at", .string(.dateTime)), .init("source_ip", .string()),
            .init("from", .optional(.string(.oneOf(["user", "api_key"])))), .init("source", .optional(.string())),
            .init("operation_id", .string()), .init("http_status_code", .integer()),
            .init(
                "left_out",
                .integer(description: "Failed attempts to sign in before this that have no entry."),
                isRequired: false
            ),
        ])
    )

    private var list: APIOperation {
        APIOperation(
            .get,
            "/audit",
            tag: "Audit",
            "List what was changed by this node's REST interface, the newest first",
            parameters: Page.parameters,
            answer: .object([.init("data", .array(of: Self.entry))]),
            refusals: [.badRequest]
        ) { request in
            let page = Page(request)
            let entries = await audit.newest(page.limit, offset: page.skip)
            return .json { json in
                json.object { json in json.member("data") { json in json.array(entries) { $1.write(to: &$0) } } }
            }
        }
    }
}

extension AuditEntry {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("created_at", WallTime(milliseconds: Int64(time)).text)
            json.member("source_ip", source)
            json.member("from", kind?.rawValue)
            json.member("source", name)
            json.member("operation_id", operation)
            json.member("http_status_code", status)
            if let leftOut { json.member("left_out", leftOut) }
        }
    }
}
