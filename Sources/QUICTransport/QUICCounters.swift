/// Counts of an endpoint since it was opened. Each bound that a peer can reach has its own counter.
package struct QUICCounters: Sendable, Equatable {
    package var datagramsIn = 0
    package var bytesIn = 0
    package var datagramsOut = 0
    package var bytesOut = 0
    /// System calls that sent datagrams, one or many each.
    package var sendCalls = 0
    /// Sends that had to wait for room in the socket's send buffer.
    package var sendsBlocked = 0
    /// Datagrams that the kernel refused for good, e.g. by a packet filter.
    package var sendFailures = 0
    /// Datagrams longer than the path allows: probes of the path's MTU that found its limit.
    package var datagramsTooLong = 0

    /// Datagrams of new clients that had to wait because handshakes could not begin faster.
    package var initialsHeld = 0
    /// Datagrams of handshakes under way that had to wait because their loop had no time for them.
    package var handshakeDatagramsHeld = 0
    package var handshakesStarted = 0
    package var handshakesCompleted = 0
    package var handshakesFailed = 0
    /// Handshakes that resumed an earlier connection.
    package var handshakesResumed = 0
    /// Handshakes that ended because their messages exceeded `maximumHandshakeBytes`.
    package var handshakesTooLarge = 0
    package var ticketsSent = 0
    /// Handshakes whose early data was accepted.
    package var earlyDataAccepted = 0
    /// Early data that was refused as a replay.
    package var earlyDataReplayed = 0
    /// Early data that was refused because the store was full.
    package var earlyDataStoreFull = 0
    /// Early data that was refused because the wall clock jumped.
    package var earlyDataClockJumps = 0
    package var connectionsClosed = 0
    /// Connections that ended because their received data had too many gaps.
    package var connectionsFragmented = 0
    /// Times that the memory of an idle connection was folded, and was unfolded.
    package var connectionsFolded = 0
    package var connectionsUnfolded = 0
    package var resetsSent = 0
    package var resetsReceived = 0
    package var versionNegotiationsSent = 0
    /// Changes of a peer's address that were validated (RFC 9000 §9).
    package var addressChanges = 0
    /// Path validations of new addresses that failed: the address was spoofed, or the peer has moved on.
    package var pathValidationsFailed = 0
    /// Times that a failed socket was replaced.
    package var socketsReplaced = 0
    /// Datagrams that were tossed to other loops of the port, and datagrams that other loops tossed to this one.
    package var tossedOut = 0
    package var tossedIn = 0
    /// Times that the kernel was told how to choose among the sockets of a port, and that it refused.
    package var steeringsAttached = 0
    package var steeringsRefused = 0
    package var retriesSent = 0
    /// Tokens in Initial packets that proved the client's address, and tokens that did not.
    package var tokensValid = 0
    package var tokensInvalid = 0
    /// Tokens that were sent for clients' next connections (NEW_TOKEN).
    package var newTokensSent = 0

    /// Datagrams that were dropped without an answer, by reason.
    package var dropped = Dropped()

    /// Datagrams that were dropped, by reason.
    package struct Dropped: Sendable, Equatable {
        /// Source port 0, multicast or broadcast source.
        package var unanswerableSource = 0
        /// Not a QUIC packet, or a truncated one.
        package var malformed = 0
        /// A packet with a long header for no connection here, other than an acceptable Initial.
        package var unexpectedLongHeader = 0
        /// A packet with a short header for no connection here that was not answered by a reset.
        package var unknownConnection = 0
        /// An Initial that is not authentic.
        package var forgedInitial = 0
        /// Datagrams of new clients that waited too long, or had when they were read.
        package var initialAge = 0
        /// Datagrams of new clients that gave way to newer ones.
        package var initialLimit = 0
        /// Datagrams of handshakes under way that came while too many waited.
        package var handshakeLimit = 0
        package var tooManyHandshakes = 0
        package var tooManyConnections = 0
        /// Initials beyond the rate of new connections.
        package var tooManyConnects = 0
        /// Datagrams from new addresses of a connection beyond their ration (`AddressAdmission`).
        package var tooManyAddresses = 0
        /// Stateless answers beyond their rate.
        package var statelessLimit = 0
        /// Late packets of closed connections that were not answered again.
        package var closedConnection = 0
        /// Datagrams for another loop that had too many waiting.
        package var tossLimit = 0
        /// Initials that a Retry should have answered, beyond the rate of Retries.
        package var retryLimit = 0
    }

    package init() {}
}
