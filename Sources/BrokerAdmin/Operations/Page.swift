import MQTTBroker

/// Which part of a list a request wants, as the peer's `page` and `limit` say it.
struct Page {
    let number: Int
    let limit: Int

    static let parameters: [APIParameter] = [
        .query("page", .integer(1...1_000_000), "Which page, from 1 on. Default: 1."),
        .query("limit", .integer(1...10_000), "Rows of a page. Default: 100."),
    ]

    init(_ request: APIRequest) {
        number = request.integer("page") ?? 1
        limit = request.integer("limit") ?? 100
    }

    var skip: Int { (number - 1) * limit }

    /// The schema of a page of rows.
    static func schema(of row: Schema) -> Schema {
        .object([
            .init("data", .array(of: row)),
            .init(
                "meta",
                .object([
                    .init("page", .integer()), .init("limit", .integer()), .init("count", .integer()),
                    .init("hasnext", .boolean()),
                ])
            ),
            .init(
                "errors",
                .array(of: .object([.init("node", .string()), .init("reason", .string())])),
                isRequired: false
            ),
        ])
    }

    func answer<Row>(_ page: FleetPage<Row>, _ write: (inout JSONWriter, String, Row) -> Void) -> APIAnswer {
        var json = JSONWriter(capacity: 256 + page.rows.count * 512)
        json.object { json in
            json.member("data") { json in json.array(page.rows) { write(&$0, $1.node, $1.row) } }
            json.member("meta") { json in
                json.object { json in
                    json.member("page", number)
                    json.member("limit", limit)
                    if let count = page.count { json.member("count", count) }
                    json.member("hasnext", page.hasNext)
                }
            }
            if !page.silences.isEmpty {
                json.member("errors") { json in
                    json.array(page.silences) { json, silence in
                        json.object { json in
                            json.member("node", silence.node)
                            json.member("reason", silence.reason)
                        }
                    }
                }
            }
        }
        return .json(json.octets)
    }
}
