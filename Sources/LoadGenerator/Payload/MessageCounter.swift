/// The number of the next message (``PayloadHeader/cnt64``), for all topics of a publisher whose messages keep their order.
final class MessageCounter {
    private var next: UInt64

    private static let streamShift: UInt64 = 48

    /// - Parameter stream: 0 for the control stream, whose messages count from 0; a data stream's number is in the upper 16 bits,
    ///   so that a subscriber tells its messages from those of others, with which they have no order.
    init(stream: Int) { next = UInt64(stream) << Self.streamShift }

    func take() -> UInt64 {
        defer { next &+= 1 }
        return next
    }

    /// The publisher's stream of a message.
    static func stream(of number: UInt64) -> UInt64 { number >> streamShift }
}
