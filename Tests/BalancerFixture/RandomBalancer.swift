import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix

/// A load balancer of UDP as Kubernetes has it: each flow, an address and a port of a client, goes to a node at random, and only
/// that node's answers come back.
///
/// A node sees each flow at an address of its own, `flowAddress`, which stays when the flow is assigned anew.
package final class RandomBalancer: Sendable {
    /// Counts since the balancer was opened.
    package struct Counts: Sendable {
        /// Datagrams of clients that went to nodes.
        package var forwarded = 0
        /// Answers that went to clients.
        package var returned = 0
        /// Answers of another node than the flow's, which nobody gets.
        package var misplaced = 0
        package var flows = 0
    }

    /// Where clients send to.
    package let address: SocketAddress
    private let channel: any Channel
    private let state: NIOLoopBound<State>
    private let counted: NIOLockedValueBox<Counts>

    private init(
        _ channel: any Channel,
        _ address: SocketAddress,
        _ state: NIOLoopBound<State>,
        _ counted: NIOLockedValueBox<Counts>
    ) {
        self.channel = channel
        self.address = address
        self.state = state
        self.counted = counted
    }

    /// Opens a balancer on loopback.
    ///
    /// - Parameter seed: of the random choices.
    package static func open(to nodes: [SocketAddress], seed: UInt64 = 1) async throws -> RandomBalancer {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let counted = NIOLockedValueBox(Counts())
        let state = try await loop.submit {
            NIOLoopBound(State(nodes, seed: seed, loop: loop, counted: counted), eventLoop: loop)
        }.get()
        let channel = try await DatagramBootstrap(group: loop)
            .channelOption(.socketOption(.so_rcvbuf), value: 4 << 20)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Inner(state.value))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
        try await loop.submit { state.value.inner = channel }.get()
        return RandomBalancer(channel, address, state, counted)
    }

    package var counts: Counts { counted.withLockedValue { $0 } }

    /// Assigns all flows anew, as when what the balancer knows of them has expired.
    ///
    /// - Parameter node: the node of all flows, also those to come; `nil` for a random one for each.
    package func assign(_ node: Int? = nil) async throws {
        try await state.eventLoop.submit { [state] in state.value.assign(node) }.get()
    }

    /// Assigns each flow to come to the first node for some datagrams, and to the second one from then on.
    package func assign(_ first: Int, for count: Int, then second: Int) async throws {
        try await state.eventLoop.submit { [state] in state.value.hasty = (first, count, second) }.get()
    }

    /// Lets nothing through, in either direction.
    package func cut(_ isCut: Bool) async throws {
        try await state.eventLoop.submit { [state] in state.value.isCut = isCut }.get()
    }

    /// The address at which nodes see the flow that spoke last, and the node that it is assigned to.
    package func lastFlow() async throws -> (address: SocketAddress, node: Int)? {
        try await state.eventLoop.submit { [state] in state.value.lastFlow }.get()
    }

    package func close() async throws {
        try await state.eventLoop.submit { [state] in state.value.closeFlows() }.get()
        try await channel.close().get()
    }
}

/// The flows, confined to the balancer's loop.
private final class State {
    /// Flows that are remembered; the oldest makes room for the next.
    private static let flowLimit = 256
    /// Datagrams of a flow that wait until its socket is open.
    private static let waitingLimit = 64

    private let nodes: [SocketAddress]
    private let loop: any EventLoop
    private let counted: NIOLockedValueBox<RandomBalancer.Counts>
    private var random: UInt64
    private var pinned: Int?
    /// Flows to come change their node after so many datagrams.
    var hasty: (first: Int, count: Int, second: Int)?
    private var flows: [SocketAddress: Flow] = [:]
    private var order: [SocketAddress] = []
    private var last: Flow?
    var inner: (any Channel)?
    var isCut = false

    init(_ nodes: [SocketAddress], seed: UInt64, loop: any EventLoop, counted: NIOLockedValueBox<RandomBalancer.Counts>)
    {
        self.nodes = nodes
        self.loop = loop
        self.counted = counted
        random = seed
    }

    var lastFlow: (SocketAddress, Int)? {
        last.flatMap { flow in flow.channel?.localAddress.map { ($0, flow.node) } }
    }

    private func choose() -> Int {
        if let pinned { return pinned }
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(random >> 33) % nodes.count
    }

    func assign(_ node: Int?) {
        pinned = node
        for flow in flows.values { flow.node = choose() }
    }

    func fromClient(_ bytes: ByteBuffer, _ client: SocketAddress) {
        guard !isCut else { return }
        let flow = flows[client] ?? open(for: client)
        last = flow
        guard let channel = flow.channel else {
            if flow.waiting.count < Self.waitingLimit { flow.waiting.append(bytes) }
            return
        }
        send(bytes, of: flow, on: channel)
    }

    private func send(_ bytes: ByteBuffer, of flow: Flow, on channel: any Channel) {
        counted.withLockedValue { $0.forwarded += 1 }
        if let left = flow.left {
            if left.count == 0 { flow.node = left.node }
            flow.left = left.count == 0 ? nil : (left.count - 1, left.node)
        }
        channel.writeAndFlush(AddressedEnvelope(remoteAddress: nodes[flow.node], data: bytes), promise: nil)
    }

    func fromNode(_ bytes: ByteBuffer, _ node: SocketAddress, to flow: Flow) {
        guard !isCut else { return }
        guard node == nodes[flow.node] else { return counted.withLockedValue { $0.misplaced += 1 } }
        counted.withLockedValue { $0.returned += 1 }
        inner?.writeAndFlush(AddressedEnvelope(remoteAddress: flow.client, data: bytes), promise: nil)
    }

    private func open(for client: SocketAddress) -> Flow {
        let flow = Flow(client: client, node: hasty?.first ?? choose())
        flow.left = hasty.map { ($0.count, $0.second) }
        flows[client] = flow
        order.append(client)
        counted.withLockedValue { $0.flows += 1 }
        if order.count > Self.flowLimit { flows.removeValue(forKey: order.removeFirst())?.close() }
        let bound = NIOLoopBound((state: self, flow: flow), eventLoop: loop)
        DatagramBootstrap(group: loop)
            .channelOption(.socketOption(.so_rcvbuf), value: 4 << 20)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Outer(bound.value.state, bound.value.flow))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .whenSuccess { channel in
                let (state, flow) = bound.value
                flow.channel = channel
                for bytes in flow.waiting { state.send(bytes, of: flow, on: channel) }
                flow.waiting = []
                if flow.isClosed { channel.close(promise: nil) }
            }
        return flow
    }

    func closeFlows() {
        for flow in flows.values { flow.close() }
        flows = [:]
        order = []
        last = nil
    }
}

/// A flow of a client.
private final class Flow {
    let client: SocketAddress
    var node: Int
    /// Datagrams until another node's turn.
    var left: (count: Int, node: Int)?
    /// The socket at which nodes see the flow, once it is open.
    var channel: (any Channel)?
    var waiting: [ByteBuffer] = []
    private(set) var isClosed = false

    init(client: SocketAddress, node: Int) {
        self.client = client
        self.node = node
    }

    func close() {
        isClosed = true
        channel?.close(promise: nil)
    }
}

private final class Inner: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let state: State

    init(_ state: State) { self.state = state }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        state.fromClient(envelope.data, envelope.remoteAddress)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

private final class Outer: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let state: State
    private let flow: Flow

    init(_ state: State, _ flow: Flow) {
        self.state = state
        self.flow = flow
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        state.fromNode(envelope.data, envelope.remoteAddress, to: flow)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
