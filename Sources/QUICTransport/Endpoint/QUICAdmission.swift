/// What to do about the first packet of a new client.
package enum QUICAdmission: Sendable {
    case accept
    /// The client is sent CONNECTION_REFUSED (RFC 9000 §20.1).
    case refuse
    /// The client is not answered, and sends its Initial again after a second or so.
    case drop
}
