/// `listeners.quic.NAME.connection_id`: what the connection identifiers of a QUIC listener show.
package struct ConnectionIdentifierConfiguration: ConfigurationSection {
    package enum Mode: String, CaseIterable, Sendable { case encrypted, plain, aws }

    /// Default `encrypted`.
    package var mode = Mode.encrypted
    /// The server identifier of mode `aws`. Default: not set; the environment variable `AWS_LBC_QUIC_SERVER_ID`.
    package var serverID: UInt64?

    package init() {}

    package static var fields: [Field<Self>] {
        [
            .value(
                "mode",
                \.mode,
                .choice,
                "Whether identifiers are encrypted, or in clear for load balancers: plain shows the node, aws server_id."
            ),
            .value(
                "server_id",
                \.serverID,
                .serverID,
                "The server identifier of mode aws; the environment variable AWS_LBC_QUIC_SERVER_ID when it is not set."
            ),
        ]
    }

    package mutating func settle(at path: [String], in reading: inout SchemaReading) {
        if serverID != nil, mode != .aws {
            reading.add(
                ConfigurationProblem(
                    origin: reading.origin(at: path + ["server_id"]) ?? .builtIn,
                    key: HOCONText.path(path + ["server_id"]),
                    message: "means nothing with mode = \(mode.rawValue)",
                    allowed: "mode = aws beside it"
                )
            )
        }
        if mode != .encrypted {
            reading.notices.append(
                ConfigurationProblem(
                    origin: reading.origin(at: path + ["mode"]) ?? .builtIn,
                    key: HOCONText.path(path + ["mode"]),
                    message: "identifiers are in clear: whoever sees the packets can tell which belong to one client, "
                        + "also after it changed its address"
                )
            )
        }
    }
}

extension ValueForm<UInt64> {
    /// As AWS writes it.
    static var serverID: ValueForm {
        .text("0x and 16 hexadecimal digits", read: ServerID.number, write: ServerID.text)
    }
}

/// The 8 octets by which a load balancer of AWS knows a server.
package enum ServerID {
    private static let digits = 16

    package static func number(of text: String) -> UInt64? {
        guard text.hasPrefix("0x"), text.utf8.count == 2 + digits,
            text.utf8.dropFirst(2).allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
        else { return nil }
        return UInt64(text.dropFirst(2), radix: 16)
    }

    static func text(_ number: UInt64) -> String {
        let hexadecimal = String(number, radix: 16)
        return "0x" + String(repeating: "0", count: digits - hexadecimal.count) + hexadecimal
    }
}
