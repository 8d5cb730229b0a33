import MQTTCodec
import NIOCore

/// What one shard tells another. The shell carries it, in order and unread.
package struct ShardMessage: Sendable {
    let body: Body

    init(_ body: Body) { self.body = body }

    enum Body: Sendable {
        // Messages on their way.
        case publish(Publish)
        case retain(Publish)

        // Subscriptions.
        case interest(Interest.Change)
        /// Asks for `announced`, which says that every earlier message of the asker has been heeded.
        case announce(token: UInt64)
        case announced(token: UInt64)
        case findRetained([TopicFilter], atMost: Int, token: UInt64)
        case foundRetained([[Message]], token: UInt64)

        // Client identifiers and their sessions; ARCHITECTURE.md draws the order.
        case claim(Claim)
        case create(Claim)
        case refuse(Claim)
        case surrender(Claim)
        case settled(UTF8Key, holder: Int?)
        case ended(UTF8Key)
        case leaving(Claim, subscriptions: [(filter: TopicFilter, subscription: Session.Subscription)])
        case switchOver(UTF8Key, from: Int, to: Int)
        case switchedAway(UTF8Key)
        case switchedHere(UTF8Key)
        case arrived(Claim, SessionState)
    }

    /// Octets that it holds, roughly.
    var weight: Int {
        let own = 256
        return switch body {
        case .publish(let publish), .retain(let publish):
            own + publish.topic.readableBytes + publish.payload.readableBytes
        default: own
        }
    }

    /// Whether it says where in a shard's stream of messages a session has switched over.
    var isSwitch: Bool {
        switch body {
        case .switchedAway, .switchedHere: true
        default: false
        }
    }

    /// Whether it says that something was done: such answers leave a burst after everything else, so that what they
    /// promise has been handed over before them.
    var isAnswer: Bool {
        switch body {
        case .announced, .switchedAway, .switchedHere, .foundRetained, .arrived, .settled, .ended: true
        default: false
        }
    }
}

/// What a shard has to tell the others after a burst.
package struct HandOver: Sendable {
    /// By shard, in order. All shards' messages go out before any shard's answers.
    package private(set) var messages: [[ShardMessage]]
    package private(set) var answers: [[ShardMessage]]
    /// Octets that each shard's part holds until it is received, roughly.
    package private(set) var weights: [Int]
    package private(set) var isEmpty = true

    init(count: Int) {
        messages = Array(repeating: [], count: count)
        answers = messages
        weights = Array(repeating: 0, count: count)
    }

    mutating func append(_ message: ShardMessage, for shard: Int) {
        isEmpty = false
        weights[shard] += message.weight
        if message.isAnswer { answers[shard].append(message) } else { messages[shard].append(message) }
    }
}
