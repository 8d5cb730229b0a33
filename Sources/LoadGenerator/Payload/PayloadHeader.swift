import NIOCore

/// A header of eight octets, big-endian, before the payload. Publishers and subscribers have to be given the same headers in the same
/// order (`--payload-hdrs`).
enum PayloadHeader: String, Sendable {
    /// The publisher's counter, from 0, over all its topics; on data streams each has its own (``MessageCounter``).
    case cnt64
    /// When it was published: milliseconds since 1970, as in emqtt_bench.
    case ts
    /// The time of publishing in microseconds since 1970; an extension to emqtt_bench.
    case tsMicroseconds = "ts_us"

    static let size = 8
}

/// The headers of one received message.
struct ReceivedHeaders {
    private(set) var counter: UInt64?
    /// Microseconds from publish to receipt, 0 where the clocks disagree.
    private(set) var latency: UInt64?

    init(_ headers: [PayloadHeader], of payload: ByteBuffer) {
        var index = payload.readerIndex
        for header in headers {
            guard let value = payload.getInteger(at: index, as: UInt64.self) else { return }
            index += PayloadHeader.size
            switch header {
            case .cnt64: counter = value
            case .ts: latency = Self.since(value, unit: 1_000_000)
            case .tsMicroseconds: latency = Self.since(value, unit: 1000)
            }
        }
    }

    /// The difference in the header's own unit, as emqtt_bench takes it, so that a `ts` costs no more than its resolution.
    private static func since(_ stamp: UInt64, unit: UInt64) -> UInt64 {
        let now = WallClock.now / unit
        return now > stamp ? (now - stamp).multipliedReportingOverflow(by: unit / 1000).partialValue : 0
    }
}
