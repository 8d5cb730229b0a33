/// How an endpoint uses its UDP socket. What the kernel refuses is done without.
package struct QUICSocketConfiguration: Sendable, Equatable {
    /// Receive buffer asked of the kernel, bytes; 0 leaves the system's.
    package var receiveBufferSize = 4 * 1024 * 1024

    /// Send buffer asked of the kernel, bytes; 0 leaves the system's.
    package var sendBufferSize = 4 * 1024 * 1024

    /// Whether packets of equal length that go the same way leave as one message, which the kernel or the device cuts
    /// (UDP_SEGMENT).
    package var offloadsSegmentation = true

    /// Whether the kernel may join packets that arrive one after the other from the same peer (UDP_GRO).
    package var offloadsReceiving = true

    /// Messages that one system call reads, and that one sends, 1 ... 64.
    package var messagesPerCall = 64

    package init() {}
}
