package import NIOCore

/// What each node tells all others at an interval, by core NATS: that it is there, and whom it has heard of.
package struct Heartbeat: Equatable, Sendable {
    /// Random, one for each process, so that a node knows its own heartbeats.
    package let sender: UInt64
    /// 0 to 31, and the run; `nil` for a node that has no number yet.
    package let identity: Identity?
    /// Counts the heartbeats of the sender, from 1.
    package let number: UInt64
    /// True if the run is over, by its own will.
    package let isLeaving: Bool
    /// True if the run is about to leave, so that the others take its lanes while it serves them yet.
    package let isRetiring: Bool
    /// The newest heartbeat that the sender heard of each other node. At most one for each.
    package let echoes: [Echo]
    /// Fingerprints of the secrets that the sender knows.
    package let secrets: [UInt64]
    /// Connections of clients at the sender; `nil` from a node that does not tell.
    package let clients: Int?

    /// Which run of which node.
    package struct Identity: Hashable, Sendable {
        package let node: Int
        package let run: UInt64

        package init(node: Int, run: UInt64) {
            self.node = node
            self.run = run
        }
    }

    /// The newest heartbeat of a run that another node has heard.
    package struct Echo: Equatable, Sendable {
        package let identity: Identity
        package let number: UInt64

        package init(identity: Identity, number: UInt64) {
            self.identity = identity
            self.number = number
        }
    }

    /// The version of this form. Later ones keep it, and append to it.
    private static let version: UInt8 = 1
    // Flags. Those that a later version adds are passed over.
    private static let leaving: UInt8 = 1
    private static let retiring: UInt8 = 2
    private static let noNode: UInt8 = 255
    /// Nodes of a cluster at most.
    package static let maximumNodes = 32
    /// Secrets of a cluster at most, as many as there are codepoints for in connection identifiers.
    package static let maximumSecrets = 7

    package init(
        sender: UInt64,
        identity: Identity?,
        number: UInt64,
        isLeaving: Bool = false,
        isRetiring: Bool = false,
        echoes: [Echo] = [],
        secrets: [UInt64] = [],
        clients: Int? = nil
    ) {
        self.sender = sender
        self.identity = identity
        self.number = number
        self.isLeaving = isLeaving
        self.isRetiring = isRetiring
        self.echoes = echoes
        self.secrets = secrets
        self.clients = clients
    }

    /// Reads a heartbeat; `nil` for other octets. What a later version appends is passed over.
    package init?(_ octets: ByteBuffer) {
        var octets = octets
        guard let version = octets.readInteger(as: UInt8.self), version >= Self.version,
            let sender = octets.readInteger(as: UInt64.self),
            let node = octets.readInteger(as: UInt8.self), let run = octets.readInteger(as: UInt64.self),
            let number = octets.readInteger(as: UInt64.self), number > 0,
            let flags = octets.readInteger(as: UInt8.self),
            let count = octets.readInteger(as: UInt8.self), count <= Self.maximumNodes
        else { return nil }
        var echoes: [Echo] = []
        for _ in 0..<count {
            guard let node = octets.readInteger(as: UInt8.self), node < Self.maximumNodes,
                let run = octets.readInteger(as: UInt64.self), let number = octets.readInteger(as: UInt64.self)
            else { return nil }
            echoes.append(Echo(identity: Identity(node: Int(node), run: run), number: number))
        }
        guard node < Self.maximumNodes || node == Self.noNode else { return nil }
        guard let known = octets.readInteger(as: UInt8.self), known <= Self.maximumSecrets else { return nil }
        var secrets: [UInt64] = []
        for _ in 0..<known {
            guard let fingerprint = octets.readInteger(as: UInt64.self) else { return nil }
            secrets.append(fingerprint)
        }
        self.sender = sender
        identity = node == Self.noNode ? nil : Identity(node: Int(node), run: run)
        self.number = number
        isLeaving = flags & Self.leaving != 0
        isRetiring = flags & Self.retiring != 0
        self.echoes = echoes
        self.secrets = secrets
        clients = octets.readInteger(as: UInt32.self).map { Int($0) }
    }

    package var octets: ByteBuffer {
        var octets = ByteBuffer()
        octets.reserveCapacity(33 + 17 * echoes.count + 8 * secrets.count)
        octets.writeInteger(Self.version)
        octets.writeInteger(sender)
        octets.writeInteger(identity.map { UInt8(clamping: $0.node) } ?? Self.noNode)
        octets.writeInteger(identity?.run ?? 0)
        octets.writeInteger(number)
        octets.writeInteger((isLeaving ? Self.leaving : 0) | (isRetiring ? Self.retiring : 0))
        octets.writeInteger(UInt8(clamping: echoes.count))
        for echo in echoes {
            octets.writeInteger(UInt8(clamping: echo.identity.node))
            octets.writeInteger(echo.identity.run)
            octets.writeInteger(echo.number)
        }
        octets.writeInteger(UInt8(clamping: min(secrets.count, Self.maximumSecrets)))
        for fingerprint in secrets.prefix(Self.maximumSecrets) { octets.writeInteger(fingerprint) }
        if let clients { octets.writeInteger(UInt32(clamping: clients)) }
        return octets
    }
}

extension Member {
    var identity: Heartbeat.Identity { Heartbeat.Identity(node: node, run: run) }
}
