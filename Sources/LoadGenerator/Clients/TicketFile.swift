import FoundationEssentials
import MQTTClient
import NIOCore
import QUICTransport
import Secrets

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The QUIC session tickets of a load's clients, kept from one run to the next (`--load-qst`).
///
/// A line of JSON for each client. The file is readable for its owner only (0600): with a ticket one can impersonate a client.
struct TicketFile: Sendable {
    /// The client and the server of a ticket, which is of no use with another server.
    struct Owner: Hashable, Sendable {
        let client: String
        let server: String
    }

    /// A line of the file.
    private struct Line: Codable, SecretValue {
        let client: String
        let server: String
        let session: Data
        let parameters: Data
        let early: Bool
        let received: Int64
        let lifetime: Int64
    }

    let path: String
    private(set) var tickets: [Owner: QUICSessionTicket] = [:]

    /// Most lines of a file, and most octets of a line.
    private static let maximumLines = 2_000_000
    private static let maximumLine = 65_536

    /// Reads the file; one that does not exist holds no tickets.
    ///
    /// - Throws: ``UsageError`` with the line that is wrong.
    init(path: String) throws(UsageError) {
        self.path = path
        guard access(path, F_OK) == 0 else { return }
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { throw UsageError("cannot read \(path)") }
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let decoder = JSONDecoder()
        for (index, octets) in lines.enumerated() where !octets.isEmpty {
            guard index < Self.maximumLines, octets.count <= Self.maximumLine,
                let line = try? decoder.decode(Line.self, from: Data(octets))
            else { throw UsageError("\(path):\(index + 1): no session ticket of martlet bench") }
            tickets[Owner(client: line.client, server: line.server)] = QUICSessionTicket(
                session: Array(line.session),
                transportParameters: Array(line.parameters),
                allowsEarlyData: line.early,
                received: line.received,
                lifetime: line.lifetime
            )
        }
    }

    /// The file with newer tickets; clients without a newer ticket keep theirs.
    func adding(_ newer: [Owner: QUICSessionTicket]) -> TicketFile {
        var file = self
        file.tickets.merge(newer) { $1 }
        return file
    }

    /// Replaces the file atomically.
    ///
    /// - Throws: ``UsageError``.
    func write() throws(UsageError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var octets: [UInt8] = []
        let owned = tickets.sorted { ($0.key.client, $0.key.server) < ($1.key.client, $1.key.server) }
        for (owner, ticket) in owned {
            let line = Line(
                client: owner.client,
                server: owner.server,
                session: Data(ticket.session),
                parameters: Data(ticket.transportParameters),
                early: ticket.allowsEarlyData,
                received: ticket.received,
                lifetime: ticket.lifetime
            )
            guard let text = try? encoder.encode(line) else { throw UsageError("cannot write \(path)") }
            octets += text
            octets.append(UInt8(ascii: "\n"))
        }
        try Self.replace(path, by: octets)
    }

    private static func replace(_ path: String, by octets: [UInt8]) throws(UsageError) {
        let part = "\(path).part"
        let descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0, fchmod(descriptor, 0o600) == 0 else { throw UsageError("cannot write \(part)") }
        var rest = octets[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        let isWritten = rest.isEmpty && fsync(descriptor) == 0
        close(descriptor)
        guard isWritten, rename(part, path) == 0 else { throw UsageError("cannot write \(path)") }
    }
}
