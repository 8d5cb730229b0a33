/// `listeners.quic.NAME.udp_options`: the sockets of a listener, one for each event loop.
package struct UDPSocketConfiguration: ConfigurationSection {
    /// Bytes asked of the kernel; 0 leaves the system's. Default 4 MiB; 0 to 1 GiB.
    package var receiveBuffer = 4_194_304
    /// Bytes asked of the kernel; 0 leaves the system's. Default 4 MiB; 0 to 1 GiB.
    package var sendBuffer = 4_194_304
    /// Whether the kernel cuts messages into packets (UDP_SEGMENT). Default true.
    package var offloadsSegmentation = true
    /// Whether the kernel joins packets into messages (UDP_GRO). Default true.
    package var offloadsReceiving = true
    /// Messages that one system call reads or sends. Default 64; 1 to 64.
    package var messagesPerCall = 64

    package init() {}

    package static var fields: [Field<Self>] {
        [
            .value(
                "recbuf",
                \.receiveBuffer,
                .size(0...1_073_741_824),
                "Receive buffer asked of the kernel; 0 leaves the system's."
            ),
            .value(
                "sndbuf",
                \.sendBuffer,
                .size(0...1_073_741_824),
                "Send buffer asked of the kernel; 0 leaves the system's."
            ),
            .value("gso", \.offloadsSegmentation, .boolean, "The kernel cuts messages into packets, where it can."),
            .value("gro", \.offloadsReceiving, .boolean, "The kernel joins packets into messages, where it can."),
            .value("batch", \.messagesPerCall, .integer(1...64), "Messages that one system call reads or sends."),
        ]
    }
}
