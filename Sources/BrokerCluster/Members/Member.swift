/// One run of a node of the cluster, as the other nodes see it.
package struct Member: Sendable, Equatable {
    /// 0 to 31.
    package let node: Int
    /// The number of the run, which is higher than those of all earlier runs of the node.
    package let run: UInt64
    /// `node.name`, for people.
    package let name: String
    /// Event loops, 1 to 32.
    package let shards: Int
    /// Where the run takes QUIC datagrams for its connections that reached another node; `nil` if it takes none.
    package let relay: RelayPlace?
    /// The newest version of frames and batches that the run reads.
    package let format: Int

    /// The UDP socket of a run for relayed QUIC datagrams, and what its keys are derived from.
    package struct RelayPlace: Sendable, Equatable {
        /// An IP address.
        package let host: String
        package let port: Int
        /// 32 random octets of the run, which are no secret.
        package let bootSalt: [UInt8]

        package init(host: String, port: Int, bootSalt: [UInt8]) {
            self.host = host
            self.port = port
            self.bootSalt = bootSalt
        }
    }

    package init(node: Int, run: UInt64, name: String, shards: Int, relay: RelayPlace?, format: Int) {
        self.node = node
        self.run = run
        self.name = name
        self.shards = shards
        self.relay = relay
        self.format = format
    }

    /// True if the other run is a later one of the same node, so that this one is over.
    package func isSuperseded(by other: Member) -> Bool { node == other.node && run < other.run }
}
