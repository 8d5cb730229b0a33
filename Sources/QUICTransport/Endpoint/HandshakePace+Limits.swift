extension HandshakePace {
    /// How fast an event loop may begin handshakes of new clients.
    package struct Limits: Sendable, Equatable {
        /// Time that one tick of the loop may spend on beginning handshakes, nanoseconds. The last may exceed it.
        package var budget: UInt64 = 1_000_000
        /// Time within which the handshakes in flight are to be completed, nanoseconds.
        package var window: UInt64 = 250_000_000
        /// Handshakes that may be in flight whatever was measured.
        package var least = 32

        package init() {}
    }
}
