import MQTTCodec
import NIOCore

/// A `ClientFilter` that is ready to be held against many clients.
struct ClientMatcher {
    private let filter: ClientFilter
    private let clients: Set<UTF8Key>
    private let partOfClient: [UInt8]?
    private let partOfUserName: [UInt8]?

    init(_ filter: ClientFilter) {
        self.filter = filter
        clients = Set(filter.clients.map { UTF8Key($0) })
        partOfClient = filter.partOfClient.map { Array($0.utf8) }
        partOfUserName = filter.partOfUserName.map { Array($0.utf8) }
    }

    /// True for a durable session of this identifier whose client is away.
    func wantsAway(_ client: UTF8Key) -> Bool { filter.wantsAway && wants(client) }

    /// True for a connection whose CONNECT was accepted.
    func wants(_ connection: Connection) -> Bool {
        guard let profile = connection.profile, let client = connection.clientIdentifier, filter.isConnected != false,
            wants(client)
        else { return false }
        if let part = partOfUserName {
            guard let name = profile.userName, name.holds(part) else { return false }
        }
        if !filter.userNames.isEmpty {
            guard let name = profile.userName, filter.userNames.contains(name) else { return false }
        }
        if let cleanStart = filter.cleanStart, profile.cleanStart != cleanStart { return false }
        if let version = filter.version, connection.outbound.version.rawValue != version { return false }
        if let since = filter.connectedSince, profile.connected < since { return false }
        if let until = filter.connectedUntil, profile.connected > until { return false }
        if let listener = filter.listener {
            let name = connection.peer.listener
            guard name == listener || name.hasPrefix(listener + ":") else { return false }
        }
        if let host = filter.host, connection.peer.address?.ipAddress != host { return false }
        return true
    }

    private func wants(_ client: UTF8Key) -> Bool {
        if !clients.isEmpty, !clients.contains(client) { return false }
        return partOfClient.map { client.string.holds($0) } ?? true
    }
}

extension String {
    /// True if these octets are among those of the string, one behind the other.
    fileprivate func holds(_ part: [UInt8]) -> Bool {
        var octets = self.utf8[...]
        guard let first = part.first else { return true }
        while let start = octets.firstIndex(of: first) {
            octets = octets[start...]
            if octets.starts(with: part) { return true }
            octets = octets.dropFirst()
        }
        return false
    }
}
