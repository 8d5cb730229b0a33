/// Which clients are asked for. Each field that is set has to hold.
package struct ClientFilter: Codable, Sendable, Equatable {
    /// One of these client identifiers; empty for any.
    package var clients: [String] = []
    /// One of these user names; empty for any.
    package var userNames: [String] = []
    /// A part of the client identifier.
    package var partOfClient: String?
    /// A part of the user name.
    package var partOfUserName: String?
    /// The client's IP address as text.
    package var host: String?
    package var isConnected: Bool?
    package var cleanStart: Bool?
    /// 3, 4 or 5.
    package var version: UInt8?
    /// The name of the listener, or its transport, such as `quic`.
    package var listener: String?
    /// Of the last CONNECT, milliseconds since 1970-01-01 UTC.
    package var connectedSince: Int64?
    package var connectedUntil: Int64?

    package init() {}

    /// True if each client is wanted.
    var isEmpty: Bool { self == ClientFilter() }

    /// True if a client that is away may be wanted: of those no more than the client identifier is known.
    var wantsAway: Bool {
        var filter = self
        filter.clients = []
        filter.partOfClient = nil
        filter.isConnected = nil
        return isConnected != true && filter.isEmpty
    }
}
