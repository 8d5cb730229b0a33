import NIOCore
import Synchronization

/// Makes the payloads of one topic of a publisher.
struct PayloadSource {
    /// The content behind the headers, shared by all publishers.
    enum Body: Sendable {
        case fixed(ByteBuffer)
        case template(PayloadTemplate)
        case stamped(StampedPayload)
    }

    private let headers: [PayloadHeader]
    private let body: Body
    private var buffer: ByteBuffer
    /// Octets of ``buffer`` that each payload begins with; only the headers' values change.
    private let constantSize: Int

    private static let unique = Atomic<UInt64>(0)

    init(_ body: Body, headers: [PayloadHeader]) {
        self.body = body
        self.headers = headers
        let constant: ByteBuffer =
            switch body {
            case .fixed(let bytes): bytes
            case .template: ByteBuffer()
            case .stamped(let payload): payload.head
            }
        if headers.isEmpty {
            buffer = constant.slice()
        } else {
            buffer = ByteBuffer()
            buffer.writeRepeatingByte(0, count: headers.count * PayloadHeader.size)
            buffer.writeImmutableBuffer(constant)
        }
        constantSize = buffer.readableBytes
    }

    /// The next payload, made in place: storage is copied only where an earlier payload is still in flight.
    ///
    /// - Parameter counter: gives the numbers of ``PayloadHeader/cnt64``, if that is among the headers.
    mutating func next(_ counter: MessageCounter) -> ByteBuffer {
        let now = headers.isEmpty && isFixed ? 0 : WallClock.now
        switch body {
        case .fixed: break
        case .template(let template):
            buffer.clear()
            buffer.writeRepeatingByte(0, count: headers.count * PayloadHeader.size)
            template.write(into: &buffer, now: now, unique: Self.unique.wrappingAdd(1, ordering: .relaxed).newValue)
        case .stamped(let payload):
            buffer.moveWriterIndex(to: constantSize)
            payload.writeTime(into: &buffer, now: now)
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
