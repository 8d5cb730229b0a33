/// What an endpoint has done since it was opened. Each bound that a peer can reach has its own counter.
package struct QUICCounters: Sendable, Equatable {
    package var datagramsIn = 0
    package var bytesIn = 0
    package var datagramsOut = 0
    package var bytesOut = 0
    /// System calls that sent, each with one or many datagrams.
    package var sendCalls = 0
    /// Sends that had to wait for the kernel.
    package var sendsBlocked = 0
    /// Datagrams that the kernel refused for good, e.g. by a packet filter.
    package var sendFailures = 0
    /// Datagrams longer than the way allows: probes of the path's MTU that found its limit.
    package var datagramsTooLong = 0

    package var handshakesStarted = 0
    package var handshakesCompleted = 0
    package var handshakesFailed = 0
    /// Handshakes that resumed an earlier connection.
    package var handshakesResumed = 0
    /// Handshakes that ended because their messages were longer than they may be.
    package var handshakesTooLarge = 0
    package var ticketsSent = 0
    /// Handshakes whose early data was accepted.
    package var earlyDataAccepted = 0
    /// Early data that was refused because it was there before.
    package var earlyDataReplayed = 0
    /// Early data that was refused because no more of it can be remembered.
    package var earlyDataStoreFull = 0
    /// Early data that was refused because the wall clock jumped.
    package var earlyDataClockJumps = 0
    package var connectionsClosed = 0
    /// Connections that ended because too many gaps were in what they had received.
    package var connectionsFragmented = 0
    /// Times that the memory of an idle connection was folded, and that it was needed again.
    package var connectionsFolded = 0
    package var connectionsUnfolded = 0
    package var resetsSent = 0
    package var resetsReceived = 0
    package var versionNegotiationsSent = 0
    /// Peers that have proved to be at another address.
    package var addressChanges = 0
    /// New addresses that no peer has proved to be at: spoofed, or gone again.
    package var pathValidationsFailed = 0
    /// Times that a failed socket was replaced.
    package var socketsReplaced = 0
    /// Datagrams that were passed on to other loops of the port, and those that other loops passed on to this one.
    package var tossedOut = 0
    package var tossedIn = 0
    /// Times that the kernel was told how to steer datagrams between the sockets of a port, and that it would not hear.
    package var steeringsAttached = 0
    package var steeringsRefused = 0
    package var retriesSent = 0
    /// Tokens in Initial packets that proved the client's address, and those that did not.
    package var tokensValid = 0
    package var tokensInvalid = 0
    /// Tokens sent for a client's next connection.
    package var newTokensSent = 0

    /// Datagrams that were dropped unanswered, by reason.
    package var dropped = Dropped()

    package struct Dropped: Sendable, Equatable {
        /// Source port 0, multicast or broadcast source.
        package var unanswerableSource = 0
        /// No QUIC packet at all, or a truncated one.
        package var malformed = 0
        /// A long header packet, other than an acceptable Initial, for no connection of ours.
        package var unexpectedLongHeader = 0
        /// A short header packet for no connection of ours that was not answered by a reset.
        package var unknownConnection = 0
        /// An Initial that was not what it claimed to be.
        package var forgedInitial = 0
        package var tooManyHandshakes = 0
        package var tooManyConnections = 0
        /// Initials of clients that came faster than they are admitted.
        package var tooManyConnects = 0
        /// A new peer address of one connection beyond its rate.
        package var tooManyAddresses = 0
        /// An answer without state that the token bucket did not allow.
        package var statelessLimit = 0
        /// Late packets of closed connections that were not answered again.
        package var closedConnection = 0
        /// Datagrams for another loop that had too many waiting.
        package var tossLimit = 0
        /// Initial packets that should have been answered by a Retry, beyond its rate.
        package var retryLimit = 0
    }

    package init() {}
}
