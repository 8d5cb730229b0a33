package import Logging
package import NIOCore

/// The relay of a node: one UDP socket for the frames between nodes, which its first loop reads and all loops write, and the
/// relay of each loop.
///
/// What the relay needs to know of other nodes is told by `update`; it knows no membership service.
package final class NodeRelay: Sendable {
    let home: NIOLoopBound<RelayHome>
    /// By number of the loop.
    private let relays: [NIOLoopBound<LoopRelay>]
    /// The address that the socket is bound to.
    package let address: SocketAddress
    /// The longest datagram that can be relayed, octets.
    package let largestDatagram: Int

    /// What the relay reports of itself.
    package struct Report: Sendable {
        /// Counts of the receiver, and of each loop.
        package let receiver: RelayCounters
        package let loops: [RelayCounters]
        /// The members, and whether frames pass both ways.
        package let reachability: [RelayReachability]
        /// Frames that the kernel dropped because the receive buffer was full.
        package let droppedByKernel: Int
        package let socketsReplaced: Int
        /// System calls that sent frames.
        package let sendCalls: Int

        /// All counts together.
        package var total: RelayCounters { self.loops.reduce(into: self.receiver) { $0.add($1) } }
    }

    private init(
        home: NIOLoopBound<RelayHome>,
        relays: [NIOLoopBound<LoopRelay>],
        address: SocketAddress,
        largestDatagram: Int
    ) {
        self.home = home
        self.relays = relays
        self.address = address
        self.largestDatagram = largestDatagram
    }

    /// Opens the relay.
    ///
    /// - Parameters:
    ///   - ring: of the secret that all nodes have.
    ///   - first: the loop of the endpoints with worker 0, which reads the socket.
    ///   - others: the loops of the workers from 1 on, 31 at most.
    /// - Throws: in the future, `QUICError.configuration`, `.portInUse`, `.socket`.
    package static func open(
        _ configuration: RelayConfiguration,
        ring: KeyRing,
        first: any EventLoop,
        others: [any EventLoop] = [],
        logger: Logger
    ) -> EventLoopFuture<NodeRelay> {
        let limits = configuration.limits
        let loops = [first] + others
        do {
            guard loops.count <= RoutableConnectionIDGenerator.maximumWorkers else {
                throw QUICError.configuration(
                    "a relay has 1 to \(RoutableConnectionIDGenerator.maximumWorkers) loops, not \(loops.count)"
                )
            }
            let largestDatagram = try limits.largestDatagram()
            let made = loops.enumerated().map { worker, loop in
                loop.submit {
                    let relay = try LoopRelay(worker: UInt8(worker), ring, limits: limits, socket: configuration.socket)
                    return NIOLoopBound(relay, eventLoop: loop)
                }
            }
            return EventLoopFuture.whenAllSucceed(made, on: first).flatMap { relays in
                let home = RelayHome(
                    configuration,
                    ring: ring,
                    relays: relays,
                    relay: relays[0].value,
                    loop: first,
                    logger: logger
                )
                home.update(configuration.membership)
                let bound = NIOLoopBound(home, eventLoop: first)
                return home.open().map {
                    NodeRelay(
                        home: bound,
                        relays: relays,
                        address: bound.value.address,
                        largestDatagram: largestDatagram
                    )
                }
            }
        } catch {
            return first.makeFailedFuture(error)
        }
    }

    /// The relay of a loop; `nil` for a number that none has. To be used on that loop.
    package func relay(of worker: Int) -> LoopRelay? {
        self.relays.indices.contains(worker) ? self.relays[worker].value : nil
    }

    /// Tells the members, and which runs are over. An own run that is not the one before gives the endpoints' new connections
    /// other identifiers.
    ///
    /// - Returns: what succeeds when all loops know.
    @discardableResult
    package func update(_ membership: RelayMembership) -> EventLoopFuture<Void> {
        let home = self.home
        return home.eventLoop.flatSubmit { home.value.update(membership) }
    }

    /// Opens frames by the secrets of another ring from now on, and seals them by the one that it issues with.
    ///
    /// - Returns: what succeeds when all loops know.
    package func use(_ ring: KeyRing) -> EventLoopFuture<Void> {
        let home = self.home
        return home.eventLoop.flatSubmit { home.value.use(ring) }
    }

    package func report() -> EventLoopFuture<Report> {
        let (home, relays) = (self.home, self.relays)
        let loops = relays.map { relay in
            relay.eventLoop.submit { (relay.value.counters, relay.value.sendCalls) }
        }
        return EventLoopFuture.whenAllSucceed(loops, on: home.eventLoop).map { loops in
            Report(
                receiver: home.value.counters,
                loops: loops.map(\.0),
                reachability: home.value.reachability(),
                droppedByKernel: home.value.framesDroppedByKernel,
                socketsReplaced: home.value.socketsReplaced,
                sendCalls: loops.map(\.1).reduce(0, +)
            )
        }
    }

    /// Closes the socket. The endpoints go on by themselves.
    package func close() -> EventLoopFuture<Void> {
        let home = self.home
        return home.eventLoop.flatSubmit { home.value.close() }
    }
}
