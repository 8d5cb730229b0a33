import MQTTCodec
import NIOCore

/// What one shard tells another. The shell carries it unread, in the order of `HandOver`.
package struct ShardMessage: Sendable {
    let body: Body

    init(_ body: Body) { self.body = body }

    enum Body: Sendable {
        // Application messages.
        case publish(Publish)
        case retain(Publish)

        // Subscriptions. A pending SUBSCRIBE is named by its connection.
        case interest(Interest.Change)
        /// Asks for `announced`, which says that every earlier message of the asker has taken effect.
        case announce(ConnectionReference)
        case announced(ConnectionReference)
        case findRetained([TopicFilter], atMost: Int, for: ConnectionReference)
        case foundRetained([RetainedLookUp.Found], isLast: Bool, for: ConnectionReference)
        /// The connection that asked has ended.
        case cancelLookUp(of: ConnectionReference)

        // Client identifiers and their sessions; ARCHITECTURE.md draws the order.
        case claim(Claim)
        case create(Claim)
        case refuse(Claim)
        case surrender(Claim)
        case claimDone(UTF8Key, holder: Int?)
        case ended(UTF8Key)

        case move(Move)
    }

    /// A session moves to the shard of its client's new connection.
    enum Move: Sendable {
        case leaving(Claim, subscriptions: [(filter: TopicFilter, subscription: Session.Subscription)])
        case switchOver(UTF8Key, from: Int, to: Int)
        case switchedAway(UTF8Key)
        case switchedHere(UTF8Key)
        case arrived(Claim, SessionState)
    }

    /// Octets that the message holds until it is received, about.
    var weight: Int {
        let own = 256
        return switch body {
        case .publish(let publish), .retain(let publish):
            own + publish.topic.readableBytes + publish.payload.readableBytes
        case .foundRetained(let found, _, _):
            own + found.count * MemoryLayout<RetainedLookUp.Found>.stride
        default: own
        }
    }

    /// True if the message says where in a shard's stream of messages a session has switched over.
    var isSwitch: Bool {
        switch body {
        case .move(.switchedAway), .move(.switchedHere): true
        default: false
        }
    }

    /// True if the message says that something was done (see `HandOver`).
    var isAnswer: Bool {
        switch body {
        case .announced, .foundRetained, .claimDone, .ended: true
        case .move(.switchedAway), .move(.switchedHere), .move(.arrived): true
        default: false
        }
    }
}
