import MQTTBroker
import MQTTCodec

/// What carries a connection's octets: a TCP channel, the control stream of a QUIC connection or a data stream beside it.
protocol ConnectionTransport: AnyObject {
    /// Writes out what a burst has gathered.
    func write(_ output: Output)
    /// Closes once everything written is out, or its time is over.
    ///
    /// - Parameter reason: what a DISCONNECT said, of either side, or would have said; `nil` where there was none.
    func close(_ reason: ReasonCode?)
    /// Leaves octets in the transport, or takes them again.
    func setReadingPaused(_ isPaused: Bool)
}
