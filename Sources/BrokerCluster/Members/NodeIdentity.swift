/// What a node brings along when it becomes a member.
package struct NodeIdentity: Sendable, Equatable {
    /// The identity of the data folder, which is random and stays.
    package var token: String
    /// The node's number, if it is configured. 0 to 31.
    package var number: Int?
    /// The number that the node had before.
    package var earlierNumber: Int?
    /// The number of this start of the process, higher than those of all earlier runs of the data folder. The run has the same low 16 bits.
    package var start: UInt64
    /// Random, for this process.
    package var sender: UInt64
    package var name: String
    /// Event loops, 1 to 32.
    package var shards: Int
    package var relay: Member.RelayPlace?
    package var format: Int

    package init(
        token: String,
        number: Int? = nil,
        earlierNumber: Int? = nil,
        start: UInt64,
        sender: UInt64,
        name: String,
        shards: Int,
        relay: Member.RelayPlace? = nil,
        format: Int = 1
    ) {
        self.token = token
        self.number = number
        self.earlierNumber = earlierNumber
        self.start = start
        self.sender = sender
        self.name = name
        self.shards = shards
        self.relay = relay
        self.format = format
    }
}
