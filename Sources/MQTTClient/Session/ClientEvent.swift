package import MQTTCodec

/// What a session tells its owner. Tokens are the owner's own: it gave them with the request that is answered.
package enum ClientEvent: Sendable {
    indirect case connected(ConnectAcknowledgement)
    /// An application message, once each at QoS 2. Topic and payload are slices of what was read.
    case message(Publish)
    /// The final acknowledgement of a message at QoS 1 or 2; the code may report a failure.
    case published(token: UInt64, ReasonCode)
    /// A message at QoS 1 or 2 whose session the server forgot: it may have arrived or not.
    case abandoned(token: UInt64)
    indirect case subscribed(token: UInt64, SubscribeAcknowledgement)
    indirect case unsubscribed(token: UInt64, UnsubscribeAcknowledgement)
    /// The end of a connection; `nil` where this side wanted it. What is unacknowledged at QoS 1 and 2 stays in the session.
    indirect case closed(ClientError?)
}
