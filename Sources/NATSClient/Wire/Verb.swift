package import NIOCore

/// A message of the NATS client protocol, called by the verb that it begins with.
///
/// Subjects, headers and payloads are slices of what was read.
package enum Verb: Equatable, Sendable {
    /// INFO, from the server: its JSON.
    case info(ByteBuffer)
    /// CONNECT, from the client: its JSON, which may have a password in it.
    case connect(ConnectOctets)
    /// PUB, or HPUB if there are headers, from the client.
    case publish(Publication)
    /// SUB, from the client. `identifier` (the protocol's sid) is the client's to choose.
    case subscribe(subject: ByteBuffer, queueGroup: ByteBuffer?, identifier: UInt64)
    /// UNSUB, from the client: at once, or after a number of messages.
    case unsubscribe(identifier: UInt64, after: UInt64?)
    /// MSG, or HMSG if there are headers, from the server.
    case message(identifier: UInt64, Publication)
    case ping
    case pong
    /// +OK, from the server.
    case ok
    /// -ERR, from the server: its text without the quotation marks.
    case error(ByteBuffer)
}

/// What is published on a subject.
package struct Publication: Equatable, Sendable {
    package var subject: ByteBuffer
    /// The subject that answers go to.
    package var replyTo: ByteBuffer?
    package var headers: HeaderBlock?
    package var payload: ByteBuffer

    package init(
        subject: ByteBuffer,
        replyTo: ByteBuffer? = nil,
        headers: HeaderBlock? = nil,
        payload: ByteBuffer = ByteBuffer()
    ) {
        self.subject = subject
        self.replyTo = replyTo
        self.headers = headers
        self.payload = payload
    }
}
