/// The kind of a load: the three of emqtt_bench, and three closed loops that measure a broker.
package enum LoadKind: String, Sendable, CaseIterable {
    case conn, pub, sub
    case pair, fanout, idle

    /// True for a load that publishes as messages are delivered, and reports one result at the end.
    var isClosedLoop: Bool {
        switch self {
        case .conn, .pub, .sub: false
        case .pair, .fanout, .idle: true
        }
    }

    var summary: String {
        switch self {
        case .conn: "Connect clients and keep them."
        case .pub: "Connect clients that publish at a rate."
        case .sub: "Connect clients that subscribe and count."
        case .pair: "N publishers and N subscribers, a topic each, WINDOW messages under way on each."
        case .fanout: "One publisher and N subscribers of its topic, WINDOW messages until all have them."
        case .idle: "Connect N clients and measure what a connection costs the broker."
        }
    }

    var example: String {
        switch self {
        case .conn: "martlet bench conn -h 127.0.0.1 -c 10000 -R 1000"
        case .pub: "martlet bench pub --quic -h 127.0.0.1 -p 14567 -t t/test -c 1 -I 100 --payload-hdrs ts"
        case .sub: "martlet bench sub --quic -h 127.0.0.1 -p 14567 -t t/test -c 10 --payload-hdrs ts"
        case .pair: "martlet bench pair -c 10 --window 50 -q 0 -s 64 --duration 10 --broker-pid 4711"
        case .fanout: "martlet bench fanout -c 100 --window 4 --duration 10 --broker-pid 4711"
        case .idle: "martlet bench idle -c 5000 --broker-pid 4711"
        }
    }

    var table: OptionTable {
        switch self {
        case .conn: OptionTable(options: OptionTable.connecting + OptionTable.reporting)
        case .sub: OptionTable(options: OptionTable.connecting + OptionTable.subscribing + OptionTable.reporting)
        case .pub: OptionTable(options: OptionTable.connecting + OptionTable.publishing + OptionTable.reporting)
        case .pair, .fanout, .idle: OptionTable(options: OptionTable.closedLoop)
        }
    }

    /// The answer to `--help`.
    package var help: String {
        """
        \(summary)

        Usage: martlet bench \(rawValue) [options]
        Example: \(example)

        \(table.help)
        """
    }

    /// The answer to no command or an unknown one.
    package static var help: String {
        let width = allCases.map(\.rawValue.count).max() ?? 0
        let lines = allCases.map { command in
            let padding = String(repeating: " ", count: width - command.rawValue.count + 2)
            return "  \(command.rawValue)\(padding)\(command.summary)"
        }
        return """
            Load an MQTT broker, and measure it.

            Usage: martlet bench COMMAND [options]     (martlet bench COMMAND --help shows them)
            Example: \(LoadKind.pub.example)

            \(lines.joined(separator: "\n"))
            """
    }
}
