import NIOCore
import Synchronization

/// The payloads of one publisher.
struct PayloadSource {
    /// What all publishers share.
    enum Body: Sendable {
        case fixed(ByteBuffer)
        case template(PayloadTemplate)
        case stamped(StampedPayload)
    }

    private let headers: [PayloadHeader]
    private let body: Body
    private var buffer: ByteBuffer

    private static let unique = Atomic<UInt64>(0)

    init(_ body: Body, headers: [PayloadHeader]) {
        self.body = body
        self.headers = headers
        buffer = ByteBuffer()
        if case .fixed(let bytes) = body {
            guard !headers.isEmpty else {
                buffer = bytes
                return
            }
            buffer.writeRepeatingByte(0, count: headers.count * PayloadHeader.size)
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next payload. It is made in place: storage is copied only where an earlier one is still in flight.
    ///
    /// - Parameter counter: for ``PayloadHeader/cnt64``, and left alone without.
    mutating func next(_ counter: MessageCounter) -> ByteBuffer {
        let now = headers.isEmpty && isFixed ? 0 : WallClock.now
        if !isFixed {
            buffer.clear()
            buffer.writeRepeatingByte(0, count: headers.count * PayloadHeader.size)
        }
        switch body {
        case .fixed: break
        case .template(let template):
            template.write(into: &buffer, now: now, unique: Self.unique.wrappingAdd(1, ordering: .relaxed).newValue)
        case .stamped(let payload):
            payload.write(into: &buffer, now: now)
        }
        for (index, header) in headers.enumerated() {
            let value =
                switch header {
                case .cnt64: counter.take()
                case .ts: now / 1_000_000
                case .tsMicroseconds: now / 1000
                }
            buffer.setInteger(value, at: index * PayloadHeader.size)
        }
        return buffer
    }

    private var isFixed: Bool {
        if case .fixed = body { true } else { false }
    }
}
