package import MQTTBroker
package import NIOCore
package import QUICTransport

/// What a broker on this node is made of.
package struct BrokerServerConfiguration: Sendable {
    /// Event loops, 1 to 32: one thread and one shard each.
    package var loops: Int
    package var listeners: [Listener]
    package var limits = Limits()
    package var authentication = ClientAuthentication.everybody
    /// How long a shutdown may take before what is still open is cut off.
    package var shutdownTimeout: TimeAmount = .seconds(5)
    /// How often the files of certificates are looked at.
    package var certificateInterval: TimeAmount = .seconds(5)
    /// File descriptors that this process may have (RLIMIT_NOFILE); `nil` where that is of no interest.
    package var descriptorLimit: Int?
    /// How often counters are given to the metrics system.
    package var metricsInterval: TimeAmount = .seconds(1)
    /// The data folder's, which is held as long as the broker runs; `nil` where nothing needs it.
    package var run: NodeRun?

    /// Connections on a socket that a listener's backlog holds.
    package static let backlog: CInt = 4096

    package init(loops: Int, listeners: [Listener]) {
        self.loops = loops
        self.listeners = listeners
    }

    package struct Listener: Sendable {
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
        /// Open connections; further ones are closed at once. `nil` is no bound.
        package var maximumConnections: Int?
        /// How fast new connections are accepted; `nil` is no bound.
        package var connectionRate: ConnectionRate?
        /// What of early data is acted upon ahead of the handshake's end, where the transport accepts any.
        package var earlyData = Peer.EarlyData.everything
        /// What is read again when it changes; `nil` for nothing.
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

        /// New connections of a listener: so many at once, and one more each interval.
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

        /// As logs and errors name it, such as `tcp:default`.
        package var label: String { "\(transport.name):\(name)" }
    }
}
