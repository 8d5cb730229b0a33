extension HandshakePace {
    /// How fast an event loop may begin handshakes of new clients.
    package struct Limits: Sendable, Equatable {
        /// Time that one tick of the loop may spend on beginning handshakes, and as much again on reading datagrams of
        /// handshakes under way, nanoseconds. The last of each may exceed it.
        package var budget: UInt64 = 500_000
        /// Time within which the handshakes in flight are to be completed, nanoseconds.
        package var window: UInt64 = 250_000_000
        /// Handshakes that may be in flight whatever was measured.
        package var least = 32

        package init() {}
    }
}
