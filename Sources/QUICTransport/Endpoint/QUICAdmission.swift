/// What to do about the first packet of a new client.
package enum QUICAdmission: Sendable {
    case accept
    /// It is told so (CONNECTION_REFUSED, RFC 9000 §20.1), and tries elsewhere or later.
    case refuse
    /// It is not answered, and tries again by itself after a second or so.
    case drop
}
