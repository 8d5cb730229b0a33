/// An MQTT control packet of any version, in the vocabulary of MQTT 5.0 (§2.1.2).
///
/// Large and rare packets are `indirect`, so that a PUBLISH or an acknowledgement is a small value.
package enum Packet: Equatable, Sendable {
    indirect case connect(Connect)
    indirect case connectAcknowledgement(ConnectAcknowledgement)
    case publish(Publish)
    /// PUBACK, PUBREC, PUBREL and PUBCOMP, which share one form.
    case acknowledgement(PublishAcknowledgement)
    indirect case subscribe(Subscribe)
    case subscribeAcknowledgement(SubscribeAcknowledgement)
    indirect case unsubscribe(Unsubscribe)
    case unsubscribeAcknowledgement(UnsubscribeAcknowledgement)
    case pingRequest
    case pingResponse
    indirect case disconnect(Disconnect)
    indirect case authentication(Authentication)
}
