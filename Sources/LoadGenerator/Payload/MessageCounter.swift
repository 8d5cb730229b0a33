/// Numbers messages (``PayloadHeader/cnt64``), over all topics of one stream of a publisher.
final class MessageCounter {
    private var next: UInt64

    private static let streamShift: UInt64 = 48

    /// - Parameter stream: 0 for the control stream, whose messages count from 0; a data stream's number is in the upper 16 bits,
    ///   so that a subscriber can check the order of each stream's messages apart.
    init(stream: Int) { next = UInt64(stream) << Self.streamShift }

    func take() -> UInt64 {
        defer { next &+= 1 }
        return next
    }

    /// The publisher's stream of a message.
    static func stream(of number: UInt64) -> UInt64 { number >> streamShift }
}
