/// The outside addresses of a NAT (network address translation, RFC 4787), and its timeouts.
package struct NATConfiguration: Sendable, Equatable {
    /// Outside addresses, IPv4, as `Endpoint.address`; one at least. A change of address takes the next one, and after the last one
    /// the first.
    package var addresses: [UInt32]
    /// Lifetime, nanoseconds, of a binding of UDP or ICMP without a packet in either direction. Default 120 s.
    package var timeoutUDP: Nanoseconds = 120_000_000_000
    /// Lifetime, nanoseconds, of a TCP binding without a packet. Default 2 h 4 min (RFC 5382 §5).
    package var timeoutTCP: Nanoseconds = 7_440_000_000_000

    /// - Returns: nil if there are no addresses.
    package init?(addresses: [UInt32]) {
        guard !addresses.isEmpty else { return nil }
        self.addresses = addresses
    }
}

/// The part of an outside endpoint that a rebinding changes.
package enum NATChange: String, Sendable, CaseIterable {
    case port, address, both
    /// To the endpoint before the last rebinding; another port where there is none, or it is taken.
    case back
}

/// A choice of flows by their inside endpoints.
package enum FlowScope: Sendable, Equatable {
    case all
    /// All flows of a client address, or the flow of one port.
    case of(UInt32, port: UInt16?)

    func holds(_ endpoint: Endpoint) -> Bool {
        switch self {
        case .all: true
        case .of(let address, let port): endpoint.address == address && (port ?? endpoint.port) == endpoint.port
        }
    }
}

/// What is reported of a binding that was made or changed: its first packet from the client, with which the server learns the
/// outside endpoint (`bound`), or the first packet to the client after that (`answered`).
package struct NATNews: Sendable, Equatable {
    /// Which packet is reported.
    package enum Kind: String, Sendable {
        case bound, answered
    }

    package let kind: Kind
    package let transport: Transport
    package let inside: Endpoint
    package let outside: Endpoint
    package let instant: Nanoseconds
}
