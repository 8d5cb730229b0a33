import BrokerCluster

/// A record about accounts in a `MetaStore`, as JSON.
protocol AccountRecord: Codable, Equatable, Sendable {
    static var kind: MetaKind { get }
}
