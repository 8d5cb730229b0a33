import QUICTransport

/// Nodes that share a secret, with the frames that they send each other.
struct RelayScene {
    static let secret = [UInt8](repeating: 7, count: 32)
    static let ring = KeyRing(secret: secret)
    static let client = RelayAddress(high: 0, low: 0xffff_c000_0201, port: 40_000)
    static let local = RelayAddress(high: 0, low: 0xffff_0a00_0001, port: 14_567)

    static func member(_ number: UInt16, incarnation: UInt16 = 5, salt: UInt8 = 1) -> RelayMember {
        RelayMember(
            RelayNode(number: number, incarnation: incarnation),
            bootSalt: [UInt8](repeating: salt, count: RelayMember.saltCount)
        )
    }

    /// The node that a client reaches, and the owner of its connection.
    let ingress = Self.member(1)
    let owner = Self.member(2, salt: 2)
    var receiver: RelayReceiver
    var gate: RelayGate

    /// The receiver is the owner's, the gate is the ingress node's.
    init(limits: RelayLimits = RelayLimits()) throws {
        self.receiver = RelayReceiver(self.owner.node, Self.ring, limits: limits)
        self.receiver.update(members: [self.ingress, self.owner])
        self.gate = try RelayGate(self.ingress, worker: 3, Self.ring, limits: limits)
    }

    /// Room for a frame around a datagram.
    static func room(_ datagram: [UInt8]) -> [UInt8] {
        [UInt8](repeating: 0, count: RelayFrame.headerCount) + datagram
            + [UInt8](repeating: 0, count: RelayFrame.tagCount)
    }

    static let datagram: [UInt8] = [0x41, 2, 3, 4, 5]

    mutating func forward(
        _ datagram: [UInt8] = Self.datagram,
        to owner: RelayNode? = nil,
        from client: RelayAddress = Self.client,
        cameByRelay: Bool = false,
        now: UInt64 = 0
    ) throws -> [UInt8] {
        var octets = Self.room(datagram)
        let owner = owner ?? self.owner.node
        try octets.withUnsafeMutableBytes { frame in
            try self.gate.forward(
                frame,
                to: owner,
                from: client,
                at: Self.local,
                ecn: 2,
                cameByRelay: cameByRelay,
                now: now
            )
        }
        return octets
    }

    /// A frame of the ingress node with any head, under its key or another one.
    func sealed(_ datagram: [UInt8] = Self.datagram, key: RelayKey? = nil, _ change: (inout RelayFrame) -> Void)
        -> [UInt8]
    {
        var head = RelayFrame(
            .forward,
            from: self.ingress.node,
            to: self.owner.node,
            number: 0,
            worker: 3,
            client: Self.client
        )
        change(&head)
        var octets = Self.room(datagram)
        octets.withUnsafeMutableBytes {
            head.write(into: $0)
            (key ?? RelayKey(of: self.ingress, Self.ring)).seal($0)
        }
        return octets
    }

    mutating func receive(_ octets: [UInt8]) throws -> RelayFrame {
        try octets.withUnsafeBytes { octets in try self.receiver.receive(octets) }
    }
}
