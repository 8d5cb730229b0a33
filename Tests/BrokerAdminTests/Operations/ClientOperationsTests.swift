import Foundation
import HTTPTypes
import NIOCore
import Testing

@testable import BrokerAdmin
@testable import MQTTBroker

/// `/clients` and `/subscriptions` as the peer's users ask for them.
@Suite struct ClientOperationsTests {
    private let source = FewClients()

    private func ask(_ identifier: String, _ request: APIRequest) async throws -> [String: Any] {
        let operations = ClientOperations(source: source).all + SubscriptionOperations(source: source).all
        let operation = try #require(operations.first { "\($0.method) \($0.path)" == identifier })
        guard case .json(let octets) = try await operation.carryOut(request) else { return [:] }
        return try #require(try JSONSerialization.jsonObject(with: Data(octets.readableBytesView)) as? [String: Any])
    }

    private func request(_ query: [String: JSONValue] = [:], path: [String: String] = [:]) -> APIRequest {
        var request = APIRequest(asker: .init(Principal(.user, name: "test", role: .administrator), address: "local"))
        request.query = query.mapValues { [$0] }
        request.path = path
        return request
    }

    @Test("A page has rows and its meta, and names the nodes that are missing") func page() async throws {
        let answer = try await ask("GET /clients", request(["page": .integer(2), "limit": .integer(3)]))
        let meta = try #require(answer["meta"] as? [String: Any])
        #expect(meta["page"] as? Int == 2 && meta["limit"] as? Int == 3 && meta["count"] as? Int == 10)
        #expect(meta["hasnext"] as? Bool == true)
        let rows = try #require(answer["data"] as? [[String: Any]])
        #expect(rows.compactMap { $0["clientid"] as? String } == ["car 3", "car 4", "car 5"])
        #expect((answer["errors"] as? [[String: String]])?.first?["node"] == "b")
    }

    @Test("The peer's names of what is known, and null for what is not") func row() async throws {
        let row = try await ask("GET /clients/{clientid}", request(path: ["clientid": "car 0"]))
        #expect(row["proto_ver"] as? Int == 5)
        #expect(row["connected_at"] as? String == "1970-01-01T00:00:01.000+00:00")
        #expect(row["recv_msg"] as? Int == 7 + 2)
        #expect(row["subscriptions_cnt"] as? Int == 4)
        #expect(row["username"] is NSNull)
        #expect(Set(row.keys) == Set(ClientField.all.map(\.name)))
    }

    @Test("Fields that are chosen, without asking the homes of sessions for nothing") func fields() async throws {
        let some = try await ask("GET /clients", request(["fields": .string("clientid, connected")]))
        let row = try #require((some["data"] as? [[String: Any]])?.first)
        #expect(Set(row.keys) == ["clientid", "connected"])
        #expect(source.askedForSessions == [false])
        await #expect(throws: APIFailure.self) {
            try await ask("GET /clients", request(["fields": .string("clientid,nonsense")]))
        }
    }

    @Test("A client that nobody knows") func unknown() async {
        await #expect(throws: APIFailure(.notFound, "CLIENTID_NOT_FOUND", "Client ID not found")) {
            try await ask("GET /clients/{clientid}", request(path: ["clientid": "nobody"]))
        }
        await #expect(throws: APIFailure(.notFound, "CLIENTID_NOT_FOUND", "Client ID not found")) {
            try await ask("DELETE /clients/{clientid}", request(path: ["clientid": "nobody"]))
        }
    }

    @Test("A sorted list that is too deep is refused in words") func depth() async {
        await #expect(throws: APIFailure.self) {
            try await ask(
                "GET /clients",
                request(["sort": .string("recv_msg"), "page": .integer(101), "limit": .integer(100)])
            )
        }
    }

    /// Ten clients at a node, and another node that is silent.
    private final class FewClients: ClientSource, @unchecked Sendable {
        private(set) var askedForSessions: [Bool] = []

        func clients(_ search: ClientSearch, at node: String?, withSessions: Bool) async -> FleetPage<ClientRow> {
            askedForSessions.append(withSessions)
            var page = FleetPage<ClientRow>()
            let names = (0..<10).map { "car \($0)" }
            let wanted = names.filter { search.filter.clients.isEmpty || search.filter.clients.contains($0) }
            page.rows = wanted.dropFirst(search.skip).prefix(search.limit).map { ("a", row($0)) }
            page.count = wanted.count
            page.hasNext = wanted.count > search.skip + search.limit
            page.silences = [NodeSilence(node: "b", reason: "it does not answer")]
            return page
        }

        func subscriptions(_ search: SubscriptionSearch, at node: String?) async -> FleetPage<SubscriptionRow> {
            FleetPage()
        }

        func publish(_ message: MessageToPublish) async -> MessageToPublish.Outcome? { .published }

        func kick(_ client: String) async -> Bool { client.hasPrefix("car") }

        private func row(_ name: String) -> ClientRow {
            ClientRow(
                client: name,
                connection: ConnectionRow(
                    userName: nil,
                    host: "10.0.0.1",
                    port: 4,
                    listener: "quic:default",
                    version: 5,
                    keepAlive: 60,
                    cleanStart: true,
                    isBridge: false,
                    connected: 1_000,
                    streams: 0,
                    messagesReceived: 7,
                    messagesSent: 8,
                    octetsReceived: 9,
                    octetsSent: 10
                ),
                session: SessionRow(
                    client: name,
                    isDurable: true,
                    expiryInterval: 1,
                    awaySince: nil,
                    subscriptions: 4,
                    queued: 0,
                    inflight: 0,
                    awaitingRelease: 0,
                    dropped: 0,
                    messagesReceived: 2,
                    messagesSent: 3
                ),
                home: nil
            )
        }
    }
}
