package import BrokerCluster
package import MQTTBroker
package import NIOCore
package import QUICTransport

/// Loops, listeners, limits and times of a broker.
package struct BrokerServerConfiguration: Sendable {
    /// `node.name`, for people.
    package var nodeName = ""
    /// Martlet's version, which a node says of itself.
    package var version = ""
    /// Event loops, 1 to 32: one thread and one shard each.
    package var loops: Int
    package var listeners: [Listener]
    package var limits = Limits()
    package var authentication = ClientAuthentication.everybody
    /// Time of a graceful shutdown; then connections that are still open are closed.
    package var shutdownTimeout: TimeAmount = .seconds(5)
    /// Time from one check of the certificates' files to the next.
    package var certificateInterval: TimeAmount = .seconds(5)
    /// The limit of file descriptors of this process (RLIMIT_NOFILE), which is compared with `maximumConnections` at start; `nil` to
    /// compare nothing.
    package var descriptorLimit: Int?
    /// Time from one report of counters to the metrics system to the next.
    package var metricsInterval: TimeAmount = .seconds(1)
    /// The lock and the incarnation of the data folder, held as long as the broker runs; `nil` for a broker without one, which has neither QUIC
    /// listeners nor a cluster.
    package var run: NodeRun?
    /// The cluster that the node belongs to; `nil` for a node by itself.
    package var cluster: ClusterConfiguration?

    /// The relay of strayed QUIC datagrams between nodes with one secret; `nil` for a node that has no others.
    package var relay: RelayConfiguration?

    /// Where durable sessions and retained messages outlive the process; `nil` if they do not, and in a cluster, which keeps them itself.
    package var store: (any CommitStore)?

    /// What the node, if it is by itself, keeps of what is set at run time; `nil` in a cluster, which has a meta lane, and for none.
    package var metaFile: MetaFile?
    /// What is in force with these records of the configuration that were set at run time, all there are; `nil` if none are applied.
    package var liveSettings: (@Sendable (_ records: [MetaRecord]) async -> LiveSettings)?
    /// The level of the log, if it can change at run time.
    package var logLevel: LogLevel?

    /// Connections that wait in the kernel to be accepted by a listener (listen(2)).
    package static let backlog: CInt = 4096

    package init(loops: Int, listeners: [Listener]) {
        self.loops = loops
        self.listeners = listeners
    }

    /// One listener: its address, its transport, and its bounds.
    package struct Listener: Sendable {
        /// What the listener speaks below MQTT.
        package enum Transport: Sendable {
            case tcp
            case tls(TLSServerConfiguration)
            case quic(QUICServerConfiguration)

            /// As in `listeners.NAME`.
            package var name: String {
                switch self {
                case .tcp: "tcp"
                case .tls: "ssl"
                case .quic: "quic"
                }
            }
        }

        /// Unique among the listeners of its transport.
        package var name: String
        /// Port 0 takes any that is free.
        package var address: SocketAddress
        package var transport: Transport
        /// Connections at a time; further ones are closed at once. `nil` is no bound.
        package var maximumConnections: Int?
        /// The rate at which connections are accepted; `nil` is no bound.
        package var connectionRate: ConnectionRate?
        /// How much of a client's early data is acted upon before the handshake is complete, if the transport accepts any.
        package var earlyData = Peer.EarlyData.everything
        /// The files of the certificate, which are read again when they change; `nil` for none.
        package var certificateFiles: CertificateFiles?

        package init(
            name: String,
            address: SocketAddress,
            transport: Transport,
            maximumConnections: Int? = nil,
            connectionRate: ConnectionRate? = nil
        ) {
            self.name = name
            self.address = address
            self.transport = transport
            self.maximumConnections = maximumConnections
            self.connectionRate = connectionRate
        }

        /// A token bucket for new connections: `burst` at once, and one more each interval.
        package struct ConnectionRate: Sendable {
            /// 1 and up.
            package var burst: Int
            /// 1 ns and up.
            package var interval: TimeAmount

            package init(burst: Int, interval: TimeAmount) {
                self.burst = burst
                self.interval = interval
            }
        }

        /// The name in logs, metrics and errors, such as `tcp:default`.
        package var label: String { "\(transport.name):\(name)" }
    }
}
