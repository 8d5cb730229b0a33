import Foundation
import Logging

/// What the limit of file descriptors (RLIMIT_NOFILE) leaves for connections. Each connection over TCP or TLS takes a
/// descriptor; QUIC connections share the sockets of their listener.
struct DescriptorBudget {
    /// Descriptors that this process may have.
    let limit: Int
    /// Descriptors that it has before the first client comes.
    let used: Int

    init(limit: Int, used: Int = Self.openDescriptors) {
        self.limit = limit
        self.used = used
    }

    /// Connections over TCP and TLS that are possible at a time.
    var connections: Int { max(0, limit - used) }

    /// Says what the limit means for `max_connections` of these listeners.
    func report(_ listeners: [BrokerServerConfiguration.Listener], to logger: Logger) {
        let bounded = listeners.filter(\.transport.takesDescriptors)
        let wanted = bounded.reduce(0) { $0 + min($1.maximumConnections ?? 0, limit + 1) }
        let metadata: Logger.Metadata = [
            "limit": "\(limit)", "possible_connections": "\(connections)", "max_connections": "\(wanted)",
        ]
        if wanted > connections {
            logger.warning(
                "RLIMIT_NOFILE allows fewer connections over TCP and TLS than max_connections: raise the limit of open files",
                metadata: metadata
            )
        } else if bounded.contains(where: { $0.maximumConnections == nil }) {
            logger.info(
                "RLIMIT_NOFILE bounds connections over TCP and TLS, since a listener has no max_connections",
                metadata: metadata
            )
        }
    }

    /// 0 where the system does not tell.
    private static var openDescriptors: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }
}

extension BrokerServerConfiguration.Listener.Transport {
    /// Whether each connection takes a file descriptor.
    fileprivate var takesDescriptors: Bool {
        switch self {
        case .tcp, .tls: true
        case .quic: false
        }
    }
}
