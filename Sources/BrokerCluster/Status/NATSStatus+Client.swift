import NATSClient

extension NATSStatus {
    /// The connection that a client has now.
    init(of client: NATSClient?, for purpose: String) {
        let info = client?.serverInfo
        self.init(
            purpose: purpose,
            server: info?.name,
            address: client?.serverAddress.map { "\($0)" },
            version: info?.version
        )
    }
}
