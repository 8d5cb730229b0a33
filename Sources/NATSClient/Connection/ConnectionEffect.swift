/// What a connection wants done, or has to tell.
package enum ConnectionEffect: Sendable {
    /// Begin the TLS handshake, and say so by `secured`.
    case startTLS
    /// The server accepted CONNECT, and all subscriptions are in force.
    case ready(ServerInfo)
    /// The server said again what it is, with other addresses.
    case informed(ServerInfo)
    /// The server is about to stop: another one should be connected to.
    case lameDuck
    case message(SubscriptionIdentifier, Publication)
    case answered(RequestIdentifier, Reply)
    /// -ERR, which the server may or may not close after.
    case complained(String)
    /// The connection is over: close the socket. Subscriptions stay for the next connection.
    case closed(ConnectionFailure)
}

/// A subscription of a client, over all its connections (the protocol's sid).
package struct SubscriptionIdentifier: Hashable, Sendable {
    let number: UInt64
}

/// A request that waits for its answer.
package struct RequestIdentifier: Hashable, Sendable {
    let number: UInt64
}

/// What became of a request.
package enum Reply: Equatable, Sendable {
    case answer(Publication)
    /// Nobody subscribes to the subject (status 503): for JetStream, no leader or no stream.
    case noResponders
    case timedOut
    /// The connection ended first: whether the request was heard is not known.
    case disconnected
}

/// Why a message was not sent.
package enum SendFailure: Error, Equatable, Sendable {
    case notConnected
    /// Headers and payload are more than the server's maximum payload.
    case tooLarge(maximum: Int)
    /// As many requests wait as may.
    case tooManyRequests
}
