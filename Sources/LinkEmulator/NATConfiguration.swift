/// The outside of a NAT, and how long it remembers.
package struct NATConfiguration: Sendable, Equatable {
    /// At least one; a change of address goes to the next.
    package var addresses: [UInt32]
    /// How long a binding of UDP or ICMP stands without a packet, either way. Default 120 s.
    package var timeoutUDP: Nanoseconds = 120_000_000_000
    /// The same for TCP. Default 2 h 4 min (RFC 5382 §5).
    package var timeoutTCP: Nanoseconds = 7_440_000_000_000

    /// - Returns: nil without addresses.
    package init?(addresses: [UInt32]) {
        guard !addresses.isEmpty else { return nil }
        self.addresses = addresses
    }
}

/// What differs after a rebinding.
package enum NATChange: String, Sendable, CaseIterable {
    case port, address, both
    /// To the endpoint before the last rebinding; another port where there is none, or it is taken.
    case back
}

/// Flows by their endpoint on the inside.
package enum FlowScope: Sendable, Equatable {
    case all
    /// All flows of a client, or one of them.
    case of(UInt32, port: UInt16?)

    func holds(_ endpoint: Endpoint) -> Bool {
        switch self {
        case .all: true
        case .of(let address, let port): endpoint.address == address && (port ?? endpoint.port) == endpoint.port
        }
    }
}

/// A binding carried the first packet of its client: there the outside learns of its endpoint. Or it carried the first
/// answer to that: there the client is reachable again.
package struct NATNews: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case bound, answered
    }

    package let kind: Kind
    package let transport: Transport
    package let inside: Endpoint
    package let outside: Endpoint
    package let instant: Nanoseconds
}
