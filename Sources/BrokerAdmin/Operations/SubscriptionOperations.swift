import HTTPTypes
import MQTTBroker

/// `/subscriptions`: who is subscribed to what.
struct SubscriptionOperations {
    let source: any ClientSource

    var all: [APIOperation] { [list] }

    private var list: APIOperation {
        APIOperation(
            .get,
            "/subscriptions",
            tag: "Subscriptions",
            "List subscriptions",
            parameters: Page.parameters + [
                .query("node", .string(), "The name of the only node that is asked."),
                .query("clientid", .string(), "The client identifier."),
                .query("topic", .string(), "The topic filter itself."),
                .query("match_topic", .string(), "A topic filter that has to match the subscription's."),
                .query("qos", .string(.oneOf(["0", "1", "2"])), "The subscription's maximum QoS."),
            ],
            answer: Page.schema(of: SubscriptionRow.schema),
            refusals: [.badRequest]
        ) { request in
            let page = Page(request)
            let search = SubscriptionSearch(
                client: request.string("clientid"),
                filter: request.string("topic"),
                pattern: request.string("match_topic"),
                qos: request.string("qos").flatMap { UInt8($0) },
                skip: page.skip,
                limit: page.limit
            )
            return page.answer(await source.subscriptions(search, at: request.string("node"))) {
                $2.write(node: $1, to: &$0)
            }
        }
    }
}

extension SubscriptionRow {
    static let schema: Schema = .named(
        "Subscription",
        .object([
            .init("clientid", .string()), .init("node", .string()), .init("topic", .string()),
            .init("qos", .integer(0...2)),
            .init("nl", .integer(0...1)), .init("rap", .integer(0...1)), .init("rh", .integer(0...2)),
            .init("durable", .boolean()),
        ])
    )

    func write(node: String, to json: inout JSONWriter) {
        json.object { json in
            json.member("clientid", client)
            json.member("node", node)
            json.member("topic", filter)
            json.member("qos", qos)
            json.member("nl", noLocal ? 1 : 0)
            json.member("rap", retainAsPublished ? 1 : 0)
            json.member("rh", retainHandling)
            json.member("durable", isDurable)
        }
    }
}
