import Logging
import MQTTBroker
import NIOCore
import NIOPosix
import QUICTransport

/// A listener for QUIC, with one UDP socket for each event loop, all on one port.
struct QUICListener: CertificateListener {
    let label: String
    let address: SocketAddress
    let admission: Admission
    let endpoints: [NIOLoopBound<QUICEndpoint>]
    private let configuration: QUICServerConfiguration
    let certificateFiles: CertificateFiles?

    init(
        _ listener: BrokerServerConfiguration.Listener,
        _ configuration: QUICServerConfiguration,
        relay: BrokerRelay? = nil,
        shards: ShardGroup,
        loops: MultiThreadedEventLoopGroup,
        logger: Logger
    ) async throws {
        let configuration = relay?.adapted(configuration) ?? configuration
        let admission = Admission(listener)
        let earlyData = listener.earlyData
        var address = listener.address
        var endpoints: [NIOLoopBound<QUICEndpoint>] = []
        let group = QUICEndpointGroup(count: shards.count)
        for (worker, loop) in loops.makeIterator().enumerated() {
            do {
                let target = address
                let (endpoint, bound, receiveBuffer) = try await loop.flatSubmit {
                    QUICEndpoint.listen(
                        on: target,
                        configuration: configuration,
                        loop: loop,
                        group: group,
                        worker: worker,
                        relay: relay?.seat(of: listener, worker: worker),
                        logger: logger,
                        admit: { admission.admit() },
                        accept: { connection in
                            guard let runner = shards.runner(on: loop), admission.enter() else { return nil }
                            return QUICConnectionHandler(
                                connection,
                                runner: runner,
                                admission: admission,
                                earlyData: earlyData
                            )
                        }
                    ).map { ($0, $0.value.localAddress, $0.value.receiveBufferSize) }
                }.get()
                // Port 0 asks for any port; the sockets of the other loops take the port of the first.
                address = bound
                if endpoints.isEmpty {
                    let wanted = configuration.socket.receiveBufferSize
                    Self.checkReceiveBuffer(receiveBuffer, wanted: wanted, listener, logger)
                }
                endpoints.append(endpoint)
            } catch {
                for endpoint in endpoints { try? await Self.close(endpoint) }
                throw ListenerError(listener, cannotBind: error)
            }
        }
        label = listener.label
        self.address = address
        self.admission = admission
        self.endpoints = endpoints
        self.configuration = configuration
        certificateFiles = listener.certificateFiles
    }

    func readCertificates(_ files: CertificateFiles) async throws {
        let configuration = try files.load(into: configuration)
        for endpoint in endpoints {
            try await endpoint.eventLoop.submit { try endpoint.value.replaceCertificates(configuration) }.get()
        }
    }

    /// Warns if the kernel has granted a smaller receive buffer than asked for: then bursts are lost, above all of handshakes.
    private static func checkReceiveBuffer(
        _ granted: Int,
        wanted: Int,
        _ listener: BrokerServerConfiguration.Listener,
        _ logger: Logger
    ) {
        guard wanted > 0, granted < wanted else { return }
        logger.warning(
            "the kernel has cut a UDP receive buffer: sysctl -w net.core.rmem_max=\(wanted) allows it",
            metadata: ["listener": "\(listener.label)", "wanted": "\(wanted)", "granted": "\(granted)"]
        )
    }

    func close() async {
        for endpoint in endpoints { try? await Self.close(endpoint) }
    }

    private static func close(_ endpoint: NIOLoopBound<QUICEndpoint>) async throws {
        try await endpoint.eventLoop.flatSubmit { endpoint.value.close() }.get()
    }
}
