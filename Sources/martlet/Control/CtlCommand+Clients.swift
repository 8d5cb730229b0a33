import ArgumentParser
import BrokerAdmin

extension CtlCommand {
    /// `martlet ctl clients`: the clients of all nodes, in the peer's line for each.
    struct ClientsCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "clients",
            abstract: "List clients, show one, or end one.",
            discussion: """
                Clients of all nodes, those that are away with a durable session among them.

                Examples:
                  martlet ctl clients list | grep connected=true | wc -l
                  martlet ctl clients show 'car 7'
                  martlet ctl clients kick 'car 7'
                """,
            subcommands: [List.self, Show.self, Kick.self],
            defaultSubcommand: List.self
        )
    }
}

extension CtlCommand.ClientsCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List all clients, a line each.")

        @OptionGroup var place: CtlCommand.Place

        func run() async throws {
            let count = try await place.eachRow(of: ControlPath.clients) { Terminal.print(ClientLine.text(of: $0)) }
            if count == 0 { Terminal.print("No clients.") }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a client.")

        @OptionGroup var place: CtlCommand.Place

        @Argument(help: "The client identifier.")
        var client: String

        func run() async throws {
            let path = ControlPath.clients + "/" + ControlPath.encoded(client)
            Terminal.print(try await place.find(path).map { ClientLine.text(of: $0) } ?? "Not Found.")
        }
    }

    struct Kick: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "kick",
            abstract: "End a client's session and its connection; its will is published."
        )

        @OptionGroup var place: CtlCommand.Place

        @Argument(help: "The client identifier.")
        var client: String

        func run() async throws {
            let isEnded = try await place.end(ControlPath.clients + "/" + ControlPath.encoded(client))
            Terminal.print(isEnded ? "ok" : "Not Found.")
        }
    }
}

/// The peer's line for a client: `Client(ID, username=…, …)`.
enum ClientLine {
    static func text(of client: JSONValue) -> String {
        let isConnected = client["connected"]?.boolean ?? false
        var fields = [
            Terminal.inline(client["clientid"]?.string ?? ""),
            "username=\(Terminal.inline(client["username"]?.string ?? "undefined"))",
            "peername=\(client["ip_address"]?.string ?? "undefined"):\(client["port"]?.integer ?? 0)",
            "clean_start=\(client["clean_start"]?.boolean ?? false)",
            "keepalive=\(client["keepalive"]?.integer ?? 0)",
            "session_expiry_interval=\(client["expiry_interval"]?.integer ?? 0)",
            "subscriptions=\(client["subscriptions_cnt"]?.integer ?? 0)",
            "inflight=\(client["inflight_cnt"]?.integer ?? 0)",
            "awaiting_rel=\(client["awaiting_rel_cnt"]?.integer ?? 0)",
            "delivered_msgs=\(client["send_msg"]?.integer ?? 0)",
            "enqueued_msgs=\(client["mqueue_len"]?.integer ?? 0)",
            "dropped_msgs=\(client["send_msg.dropped"]?.integer ?? 0)",
            "connected=\(isConnected)",
        ]
        if let connected = milliseconds(client["connected_at"]) { fields.append("connected_at=\(connected)") }
        if !isConnected, let gone = milliseconds(client["disconnected_at"]) { fields.append("disconnected_at=\(gone)") }
        return "Client(\(fields.joined(separator: ", ")))"
    }

    private static func milliseconds(_ time: JSONValue?) -> Int64? {
        time?.string.flatMap { WallTime($0)?.milliseconds }
    }
}

extension CtlCommand.Place {
    /// Rows that are asked for at a time.
    private static let rowsOfPage = 1_000

    /// Calls `body` with each row of a list, page by page. Returns how many there were, and says which nodes are missing.
    func eachRow(of path: String, _ body: (JSONValue) -> Void) async throws -> Int {
        var (page, count) = (1, 0)
        while true {
            let separator = path.contains("?") ? "&" : "?"
            let found = try await find("\(path)\(separator)limit=\(Self.rowsOfPage)&page=\(page)")
            let rows = found?["data"]?.array ?? []
            rows.forEach(body)
            count += rows.count
            for silence in page == 1 ? found?["errors"]?.array ?? [] : [] {
                Terminal.note(
                    "\(silence["node"]?.string ?? "a node") does not answer: \(silence["reason"]?.string ?? "")"
                )
            }
            guard found?["meta"]?["hasnext"]?.boolean == true else { return count }
            page += 1
        }
    }
}
