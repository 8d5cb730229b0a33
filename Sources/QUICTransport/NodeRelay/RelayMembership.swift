package import NIOCore

/// What a node is told of the runs of the nodes with the same secret: the value that its membership gives the relay.
package struct RelayMembership: Sendable, Equatable {
    /// A run of another node, with the address of its relay.
    package struct Peer: Sendable, Equatable {
        package var member: RelayMember
        /// Where the node's relay takes frames.
        package var address: SocketAddress
        /// True while strays for the node are dropped, since it may be gone.
        package var isSuspected: Bool

        package init(_ member: RelayMember, at address: SocketAddress, isSuspected: Bool = false) {
            self.member = member
            self.address = address
            self.isSuspected = isSuspected
        }
    }

    /// The run of this node; `nil` while it must not act for others.
    package var own: RelayMember?
    package var peers: [Peer]
    /// Runs that are known to be over, the newest last. Earlier runs of a node than one that is named here or a member are over, too.
    package var dead: [RelayNode]

    package init(own: RelayMember?, peers: [Peer] = [], dead: [RelayNode] = []) {
        self.own = own
        self.peers = peers
        self.dead = dead
    }
}

/// Runs of nodes, by what is known of them.
struct KnownRuns {
    /// What becomes of a stray that an identifier of a run is for.
    enum Fate {
        case member(DatagramAddress)
        case suspected
        /// Nobody has the connections of the run any more, and its strays may be answered by stateless resets.
        case over
        case unknown
    }

    private var own: RelayNode?
    /// By the number of the node.
    private var peers: [UInt16: (node: RelayNode, address: DatagramAddress, isSuspected: Bool)] = [:]
    /// By the number of the node, the last run that is over.
    private var dead: [UInt16: RelayNode] = [:]

    /// A node that knows no others.
    init(own: RelayNode) {
        self.own = own
    }

    init(_ membership: RelayMembership, limits: RelayLimits) {
        guard let own = membership.own?.node else { return }
        self.own = own
        for peer in membership.peers.prefix(limits.members) where peer.member.node.number != own.number {
            guard let address = DatagramAddress(peer.address) else { continue }
            self.peers[peer.member.node.number] = (peer.member.node, address, peer.isSuspected)
        }
        for run in membership.dead.suffix(limits.deadRuns) {
            if let known = self.dead[run.number], run.isSuperseded(by: known) { continue }
            self.dead[run.number] = run
        }
    }

    func fate(of run: RelayNode) -> Fate {
        if let peer = self.peers[run.number], peer.node == run {
            return peer.isSuspected ? .suspected : .member(peer.address)
        }
        if let dead = self.dead[run.number], run == dead || run.isSuperseded(by: dead) { return .over }
        if let later = self.peers[run.number]?.node, run.isSuperseded(by: later) { return .over }
        if let own = self.own, run.isSuperseded(by: own) { return .over }
        return .unknown
    }

    /// Where the relay of a member takes frames, suspected or not.
    func address(of run: RelayNode) -> DatagramAddress? {
        guard let peer = self.peers[run.number], peer.node == run else { return nil }
        return peer.address
    }
}
