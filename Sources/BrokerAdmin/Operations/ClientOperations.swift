import HTTPTypes
import MQTTBroker

/// `/clients`: who is connected, and who is away with a session.
struct ClientOperations {
    let source: any ClientSource

    var all: [APIOperation] { [list, one, kick, subscriptions] }

    private static let tag = "Clients"

    private var list: APIOperation {
        APIOperation(
            .get,
            "/clients",
            tag: Self.tag,
            "List clients: those of a node in the order of its connections, or sorted",
            parameters: Page.parameters + Self.filters + [
                .query("fields", .string(), "The members of each row, with commas between, or `all`."),
                .query("sort", .string(.oneOf(ClientOrder.Column.allCases.map(\.rawValue))), "The column to sort by."),
                .query("order", .string(.oneOf(["asc", "desc"])), "Default: asc."),
            ],
            answer: Page.schema(of: ClientField.schema),
            refusals: [.badRequest]
        ) { request in
            let page = Page(request)
            let fields = try ClientField.named(request.string("fields"))
            let order = request.string("sort").flatMap { ClientOrder.Column(rawValue: $0) }
                .map { ClientOrder($0, isDescending: request.string("order") == "desc") }
            guard order == nil || page.skip + page.limit < ClientSearch.maximumRows else {
                throw APIFailure.invalidParameter(
                    "page and limit: a sorted list ends at row \(ClientSearch.maximumRows); filter it, or sort it the other way"
                )
            }
            var search = ClientSearch(try Self.filter(request), order: order, skip: page.skip, limit: page.limit)
            search.counts = true
            let found = await source.clients(
                search,
                at: request.string("node"),
                withSessions: fields.contains(where: \.isOfSession)
            )
            return page.answer(found) { json, node, row in row.write(fields, node: node, to: &json) }
        }
    }

    private static let filters: [APIParameter] = [
        .query("node", .string(), "The name of a node."),
        .query("clientid", .string(), "The client identifier; may be repeated.", isRepeated: true),
        .query("username", .string(), "The user name; may be repeated.", isRepeated: true),
        .query("like_clientid", .string(.length(1...256)), "A part of the client identifier."),
        .query("like_username", .string(.length(1...256)), "A part of the user name."),
        .query("ip_address", .string(), "The client's IP address."),
        .query(
            "conn_state",
            .string(.oneOf(["connected", "idle", "disconnected"])),
            "Whether the client is connected."
        ),
        .query("clean_start", .boolean(), "Clean Start of the client's CONNECT."),
        .query("proto_ver", .string(.oneOf(["3", "4", "5"])), "The version of MQTT: 3, 4 (3.1.1) or 5."),
        .query("listener", .string(), "The name of a listener such as `tcp:default`, or a transport such as `quic`."),
        .query(
            "gte_connected_at",
            instant,
            "Connected at this instant or later: RFC 3339, or milliseconds since 1970."
        ),
        .query("lte_connected_at", instant, "Connected at this instant or before."),
    ]

    private static let instant: Schema = .anyOf([.string(.dateTime), .integer(0...Int(WallTime.latest))])

    private static func filter(_ request: APIRequest) throws -> ClientFilter {
        var filter = ClientFilter()
        filter.clients = request.strings("clientid")
        filter.userNames = request.strings("username")
        filter.partOfClient = request.string("like_clientid")
        filter.partOfUserName = request.string("like_username")
        filter.host = request.string("ip_address")
        filter.isConnected = request.string("conn_state").map { $0 != "disconnected" }
        filter.cleanStart = request.boolean("clean_start")
        filter.version = request.string("proto_ver").flatMap { UInt8($0) }
        filter.listener = request.string("listener")
        filter.connectedSince = request.time("gte_connected_at")?.milliseconds
        filter.connectedUntil = request.time("lte_connected_at")?.milliseconds
        return filter
    }

    private var one: APIOperation {
        APIOperation(
            .get,
            "/clients/{clientid}",
            tag: Self.tag,
            "Show a client",
            parameters: [Self.identifier],
            answer: ClientField.schema,
            refusals: [.notFound]
        ) { request in
            let (node, row) = try await client(request)
            return .json { row.write(ClientField.all, node: node, to: &$0) }
        }
    }

    private static let identifier = APIParameter.path("clientid", "The client identifier, percent-encoded.")

    private func client(_ request: APIRequest) async throws -> (node: String, row: ClientRow) {
        var filter = ClientFilter()
        filter.clients = [request.path["clientid"] ?? ""]
        let found = await source.clients(ClientSearch(filter, limit: 1), at: nil, withSessions: true)
        guard let row = found.rows.first else { throw Self.unknownClient }
        return row
    }

    private var kick: APIOperation {
        APIOperation(
            .delete,
            "/clients/{clientid}",
            tag: Self.tag,
            "End a client's session and its connection, with DISCONNECT 0x98; its will is published",
            parameters: [Self.identifier],
            refusals: [.notFound]
        ) { request in
            guard await source.kick(request.path["clientid"] ?? "") else { throw Self.unknownClient }
            return .nothing
        }
    }

    private static let unknownClient = APIFailure(.notFound, "CLIENTID_NOT_FOUND", "Client ID not found")

    private var subscriptions: APIOperation {
        APIOperation(
            .get,
            "/clients/{clientid}/subscriptions",
            tag: Self.tag,
            "List the subscriptions of a client",
            parameters: [Self.identifier],
            answer: .array(of: SubscriptionRow.schema),
            refusals: [.notFound]
        ) { request in
            let (_, client) = try await client(request)
            let found = await source.subscriptions(
                SubscriptionSearch(client: client.client, limit: SubscriptionSearch.maximumRows),
                at: nil
            )
            return .json { json in json.array(found.rows) { $1.row.write(node: $1.node, to: &$0) } }
        }
    }
}
