package import MQTTCodec

/// An event of a session. A token is the number that the user gave with the request that the event answers.
package enum ClientEvent: Sendable {
    indirect case connected(ConnectAcknowledgement)
    /// An application message; at QoS 2 each comes once. Topic and payload are slices of the read buffer.
    case message(Publish)
    /// The final acknowledgement of a message at QoS 1 or 2; the code may report a failure.
    case published(token: UInt64, ReasonCode)
    /// A message at QoS 1 or 2 without its final acknowledgement, after the server has lost the session: it may have arrived or not.
    case abandoned(token: UInt64)
    indirect case subscribed(token: UInt64, SubscribeAcknowledgement)
    indirect case unsubscribed(token: UInt64, UnsubscribeAcknowledgement)
    /// The end of a connection or of a data stream; `nil` if this side has ended it. Messages at QoS 1 and 2 without their final
    /// acknowledgement stay in the session.
    indirect case closed(ClientError?)
}
