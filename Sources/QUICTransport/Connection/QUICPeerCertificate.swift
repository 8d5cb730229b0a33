/// The subject of a peer's verified certificate.
package struct QUICPeerCertificate: Sendable, Equatable {
    /// Distinguished name of the subject (RFC 4514), such as `CN=car 7,O=Fleet`.
    package let subject: String
    /// First common name of the subject, if it has one.
    package let commonName: String?
}
