import MQTTCodec

@testable import MQTTBroker

/// The clients of a simulated cluster. Some of their sessions share a lane, and some subscribers want other messages than others, so that
/// messages of one lane go to different sets of lanes.
struct ClusterCast {
    let publishers: [DurablePublisher]
    let subscribers: [DurableSubscriber]

    init(broker: SimulatedBroker) {
        let names = ["p0", Self.name("q", inLaneOf: "p0"), "p1", Self.name("s", inLaneOf: "p0")]
        publishers = [
            DurablePublisher(name: names[0], version: .v5, broker: broker),
            DurablePublisher(name: names[1], version: .v5, broker: broker),
            DurablePublisher(name: names[2], version: .v3_1_1, broker: broker),
        ]
        subscribers = [
            DurableSubscriber(name: "s0", filters: ["load/#", "will"], broker: broker),
            DurableSubscriber(name: Self.name("t", inLaneOf: "s0"), filters: ["load/\(names[0])/#"], broker: broker),
            DurableSubscriber(name: names[3], filters: ["load/#"], broker: broker),
            DurableSubscriber(name: "s1", filters: ["load/\(names[1])/#", "load/+/2", "will"], broker: broker),
            DurableSubscriber(name: "s2", filters: ["load/+/1"], broker: broker),
        ]
    }

    /// A client identifier whose lane is that of another one.
    private static func name(_ prefix: String, inLaneOf other: String) -> String {
        let lane = lane(of: other)
        return (0...).lazy.map { "\(prefix)\($0)" }.first { Self.lane(of: $0) == lane } ?? prefix
    }

    static func lane(of client: String) -> Int {
        MQTTBroker.Lane(clientHash: Session.identity(of: UTF8Key(client))).index
    }

    /// The lanes of the clients' sessions.
    var lanes: [Int] { (publishers.map(\.name) + subscribers.map(\.name)).map(Self.lane) }
}
