/// The subject of a peer's verified certificate.
package struct QUICPeerCertificate: Sendable, Equatable {
    /// Distinguished name of the subject (RFC 4514), such as `CN=car 7,O=Fleet`; empty if there is none, or
    /// none that can be read.
    package let subject: String
    /// The first common name of the subject, without any escapes; `nil` if there is none, or none that is a string of MQTT.
    package let commonName: String?
}
