import MQTTBroker
import MQTTCodec

/// The transport of a connection: a TCP channel, the control stream of a QUIC connection, or one of its data streams.
protocol ConnectionTransport: AnyObject {
    /// Writes the output of one read burst.
    func write(_ output: Output)
    /// Closes the transport once everything written has been sent, or after a time that the transport sets.
    ///
    /// - Parameter reason: the reason code of the DISCONNECT of either side, also where the protocol version or the stream
    ///   has no such packet; `nil` if neither side gave a reason.
    func close(_ reason: ReasonCode?)
    /// Stops reading, or goes on with it. Octets that are not read stay in the transport, whose flow control slows the peer down.
    func setReadingPaused(_ isPaused: Bool)
}
