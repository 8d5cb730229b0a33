import BrokerConfiguration
import NATSClient

/// Where a NATS server is, in the form of NATS: `nats://HOST:PORT`, or `tls://HOST:PORT` for one that is spoken to by TLS.
struct NATSServerURL: Equatable {
    let address: ServerAddress
    let isTLS: Bool
    /// True if a user or a token stands before the host, which is dropped, since it would be shown.
    var hasUser = false

    /// - Parameter text: without a port, NATS's own is meant; without a scheme, `nats`.
    init?(_ text: String) {
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        switch parts.count == 2 ? parts[0].lowercased() : "nats" {
        case "nats": isTLS = false
        case "tls": isTLS = true
        default: return nil
        }
        var rest = parts[parts.count - 1]
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        if let at = rest.lastIndex(of: "@") {
            hasUser = true
            rest = rest[rest.index(after: at)...]
        }
        var port = ServerAddress.defaultPort
        let isBracketed = rest.hasPrefix("[")
        let afterHost = isBracketed ? rest.firstIndex(of: "]").map { rest.index(after: $0) } : rest.lastIndex(of: ":")
        let host = rest[..<(afterHost ?? rest.endIndex)]
        if let afterHost, afterHost < rest.endIndex {
            let digits = rest[afterHost...].dropFirst()
            guard rest[afterHost] == ":", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let given = Int(digits),
                (1...65_535).contains(given)
            else { return nil }
            port = given
        }
        let name = isBracketed ? String(host.dropFirst().dropLast()) : String(host)
        let isHost = name.utf8.allSatisfy { octet in
            switch octet {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            case UInt8(ascii: ":"), UInt8(ascii: "%"): isBracketed
            default: false
            }
        }
        guard isHost, (1...253).contains(name.utf8.count), !isBracketed || host.hasSuffix("]") else { return nil }
        address = ServerAddress(host: name, port: port)
    }

    var text: String { "\(isTLS ? "tls" : "nats")://\(address)" }

    /// Servers at most.
    static let maximum = 32
}

extension ValueForm<[NATSServerURL]> {
    /// A list of servers, or a text with commas between them.
    static var servers: ValueForm {
        ValueForm(
            "a list of at most \(NATSServerURL.maximum) servers such as [\"nats://10.0.0.1:4222\"] or [\"tls://nats-0:4222\"]",
            read: { value in
                let texts = value.elements?.map(\.text) ?? value.text?.split(separator: ",").map { String($0) } ?? []
                let servers = texts.compactMap { $0.flatMap { NATSServerURL($0.filter { $0 != " " }) } }
                return servers.count == texts.count && (1...NATSServerURL.maximum).contains(servers.count)
                    ? servers : nil
            },
            write: { servers in
                servers.isEmpty ? nil : "[" + servers.map { HOCONText.quoted($0.text) }.joined(separator: ", ") + "]"
            }
        )
    }
}
