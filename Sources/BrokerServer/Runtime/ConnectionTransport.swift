import MQTTBroker

/// What carries a connection's octets: a TCP channel or the control stream of a QUIC connection.
protocol ConnectionTransport: AnyObject {
    /// Writes out what a burst has gathered.
    func write(_ output: Output)
    /// Closes once everything written is out, or its time is over.
    func close()
    /// Leaves octets in the transport, or takes them again.
    func setReadingPaused(_ isPaused: Bool)
}
