import FoundationEssentials
import MQTTClient
import MQTTCodec
import NIOCore
import QUICTransport

/// The options of a load with everything that its clients share: topics, payloads, addresses, certificates.
struct LoadPlan: Sendable {
    let options: BenchOptions
    /// Topic filters of subscribers.
    let filters: [TopicTemplate]
    /// Topics and payloads of publishers.
    let flows: [FlowPlan]
    /// Tickets of the run before; `nil` without `--load-qst`.
    let tickets: TicketFile?
    /// A line for each option of the QUIC options file that has no effect.
    let notes: [String]
    /// One for each host and each local address.
    private let targets: [[ConnectionTarget]]

    /// - Throws: ``UsageError`` for a template or a file of topics, a host or a local address that does not resolve.
    init(_ options: BenchOptions) throws(UsageError) {
        self.options = options
        filters = options.topics.map(TopicTemplate.init)
        if let path = options.topicsPayload {
            flows = FlowPlan.flows(try TopicSpecification.read(path, isQUIC: options.isQUIC), options)
        } else {
            flows = FlowPlan.flows(options, topics: filters, body: try PayloadSource.Body(options))
        }
        var tickets: TicketFile?
        if let path = options.ticketPath { tickets = try TicketFile(path: path) }
        self.tickets = tickets
        var quic: QUICOptions?
        if let path = options.quicPath { quic = try QUICOptions(path: path) }
        notes = quic?.notes ?? []
        let identity = try Self.identity(options) ?? quic?.identity
        var targets: [[ConnectionTarget]] = []
        for host in options.hosts {
            targets.append(try Self.targets(host, options, quic, identity))
        }
        self.targets = targets
    }

    private static func identity(_ options: BenchOptions) throws(UsageError) -> QUICIdentity? {
        guard let certificate = options.certificatePath, let key = options.keyPath else { return nil }
        func read(_ path: String) throws(UsageError) -> [UInt8] {
            guard let data = try? Data(contentsOf: URL(filePath: path)) else { throw UsageError("cannot read \(path)") }
            return Array(data)
        }
        return QUICIdentity(certificateChain: try read(certificate), privateKey: try read(key))
    }

    private static func targets(
        _ host: String,
        _ options: BenchOptions,
        _ quic: QUICOptions?,
        _ identity: QUICIdentity?
    ) throws(UsageError) -> [ConnectionTarget] {
        do throws(ClientError) {
            let transport: ConnectionTarget.Transport =
                if options.isQUIC {
                    .quic(serverName: host, trust: quic?.trust ?? .insecure)
                } else if options.isTLS {
                    .tls(serverName: host, try TLSClientContext(trust: .insecure, identity: identity))
                } else {
                    .tcp
                }
            var settings = quic?.settings ?? .client
            if let controller = options.congestionController { settings.congestionController = controller }
            let addresses = try ConnectionTarget.resolve(host: host, port: options.port)
            func target(from local: SocketAddress?) -> ConnectionTarget {
                ConnectionTarget(
                    addresses: addresses,
                    transport: transport,
                    localAddress: local,
                    ownsSocket: options.ownsSockets,
                    quic: settings,
                    usesPreferredAddress: options.usesPreferredAddress,
                    identity: identity
                )
            }
            guard !options.localAddresses.isEmpty else { return [target(from: nil)] }
            var targets: [ConnectionTarget] = []
            for text in options.localAddresses {
                targets.append(target(from: try ConnectionTarget.resolve(host: text, port: 0).first))
            }
            return targets
        } catch {
            throw UsageError(error.description)
        }
    }

    /// The local address of a client after its n-th migration: the next of `--ifaddr`, or another port.
    func localAddress(_ index: Int, move: Int) -> SocketAddress? {
        let choices = targets[index % targets.count]
        let next = choices[(index + move) % choices.count]
        if let local = next.localAddress { return local }
        let any = next.addresses.first?.protocol == .inet6 ? "::" : "0.0.0.0"
        return try? SocketAddress(ipAddress: any, port: 0)
    }

    /// Hosts and local addresses are used in turn.
    func target(_ index: Int) -> ConnectionTarget {
        let choices = targets[index % targets.count]
        return choices[index % choices.count]
    }

    /// The owner under which a client's ticket is stored.
    func ticketOwner(_ index: Int, _ identity: ClientIdentity) -> TicketFile.Owner {
        let host = options.hosts[index % options.hosts.count]
        return TicketFile.Owner(client: identity.clientIdentifier, server: "\(host):\(options.port)")
    }

    func configuration(_ identity: ClientIdentity) -> ClientConfiguration {
        var connect = Connect(
            version: options.version,
            clientIdentifier: identity.clientIdentifier,
            cleanStart: options.cleanStart,
            keepAlive: options.keepAlive,
            userName: identity.userName,
            password: options.password.map { ByteBuffer(string: $0) }
        )
        connect.properties.sessionExpiryInterval = options.version == .v5 ? options.sessionExpiry : nil
        return ClientConfiguration(
            connect: connect,
            maximumInflight: options.inflight == 0 ? Int(UInt16.max) : options.inflight,
            responseTimeout: .seconds(Int64(options.connectTimeout)),
            retryInterval: options.retryInterval > 0 ? .seconds(Int64(options.retryInterval)) : nil,
            resumption: tickets == nil ? .never : .withEarlyData
        )
    }
}
