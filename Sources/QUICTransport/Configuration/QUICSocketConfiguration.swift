/// Options of an endpoint's UDP socket. An option that the kernel refuses is not used.
package struct QUICSocketConfiguration: Sendable, Equatable {
    /// The receive buffer to ask the kernel for, bytes; 0 for the system's default.
    package var receiveBufferSize = 4 * 1024 * 1024

    /// The send buffer to ask the kernel for, bytes; 0 for the system's default.
    package var sendBufferSize = 4 * 1024 * 1024

    /// True to send packets of equal length and path as one message, which the kernel or the device segments (UDP_SEGMENT).
    package var offloadsSegmentation = true

    /// True to let the kernel join consecutive packets of one peer (UDP_GRO).
    package var offloadsReceiving = true

    /// Messages that one system call reads, and messages that one sends, 1 to 64.
    package var messagesPerCall = 64

    package init() {}
}
