internal import NIOCore

/// A datagram that was read from the socket, and waits until its loop has time for it.
struct WaitingDatagram {
    var bytes = ByteBuffer()
    var remote = DatagramAddress()
    var local = DatagramAddress()
    var ecn: UInt8 = 0
    /// The way that the datagram has come from another node.
    var ingress: RelayIngress?
}
