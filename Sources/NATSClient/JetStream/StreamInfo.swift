/// What JetStream says of a stream.
package struct StreamInfo: Equatable, Sendable, Decodable {
    package let config: StreamConfiguration
    package let state: State
    package let cluster: Cluster?

    package struct State: Equatable, Sendable, Decodable {
        package let messages: UInt64
        package let bytes: UInt64
        package let firstSequence: UInt64
        package let lastSequence: UInt64

        private enum CodingKeys: String, CodingKey {
            case messages, bytes
            case firstSequence = "first_seq"
            case lastSequence = "last_seq"
        }
    }

    package struct Cluster: Equatable, Sendable, Decodable {
        /// The name of the server that leads the stream; `nil` while it is being elected.
        package let leader: String?
        package let replicas: [Replica]?
    }

    package struct Replica: Equatable, Sendable, Decodable {
        package let name: String
        /// True if it has everything that the leader has.
        package let current: Bool
        package let offline: Bool?
        /// Nanoseconds since the leader has heard of it.
        package let active: UInt64?
    }
}
