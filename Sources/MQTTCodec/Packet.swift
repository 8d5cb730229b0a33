/// An MQTT control packet of any version, in the vocabulary of MQTT 5.0 (§2.1.2).
package enum Packet: Equatable, Sendable {
    case connect(Connect)
    case connectAcknowledgement(ConnectAcknowledgement)
    case publish(Publish)
    /// PUBACK, PUBREC, PUBREL and PUBCOMP, which share one form.
    case acknowledgement(PublishAcknowledgement)
    case subscribe(Subscribe)
    case subscribeAcknowledgement(SubscribeAcknowledgement)
    case unsubscribe(Unsubscribe)
    case unsubscribeAcknowledgement(UnsubscribeAcknowledgement)
    case pingRequest
    case pingResponse
    case disconnect(Disconnect)
    case authentication(Authentication)
}
