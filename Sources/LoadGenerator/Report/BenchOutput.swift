import MQTTClient
import Synchronization

/// The output of a load, line by line. Safe to use from every event loop.
package final class BenchOutput: Sendable {
    private let writeLine: @Sendable (String) -> Void
    private let writeNote: @Sendable (String) -> Void
    private let hintedDescriptors = Atomic<Bool>(false)
    private let hintedAddresses = Atomic<Bool>(false)

    /// - Parameters:
    ///   - line: takes the results, each without its line end.
    ///   - note: takes hints and mistakes.
    package init(line: @escaping @Sendable (String) -> Void, note: @escaping @Sendable (String) -> Void) {
        writeLine = line
        writeNote = note
    }

    package func line(_ text: String) { writeLine(text) }
    package func note(_ text: String) { writeNote(text) }

    /// Prints a hint once if a limit of the machine ended a connection.
    func hint(_ failure: TransportFailure, options: BenchOptions) {
        switch failure {
        case .outOfDescriptors:
            guard !hintedDescriptors.exchange(true, ordering: .relaxed) else { return }
            note(
                """
                This process may open \(DescriptorLimit.current) files, and each client is one: raise the limit \
                (ulimit -n, LimitNOFILE=)\(Self.way(toFewerDescriptors: options)).
                """
            )
        case .outOfAddresses:
            guard !hintedAddresses.exchange(true, ordering: .relaxed) else { return }
            note(
                """
                No local port is left for an address, or the address is not this machine's: spread the clients over \
                several with --ifaddr, for example --ifaddr 127.0.0.2,127.0.0.3 (about 28,000 clients each; \
                net.ipv4.ip_local_port_range).
                """
            )
        default: break
        }
    }

    private static func way(toFewerDescriptors options: BenchOptions) -> String {
        if options.migrationInterval != nil { return "" }
        if options.ownsSockets { return ", or leave out --own-sockets: then clients share sockets" }
        return options.isQUIC ? "" : ", or use --quic, whose clients share sockets"
    }
}
