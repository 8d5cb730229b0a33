import NIOCore
import Synchronization

/// The payloads of one publisher.
struct PayloadSource {
    /// What all publishers share.
    enum Body: Sendable {
        case fixed(ByteBuffer)
        case template(PayloadTemplate)
    }

    private let headers: [PayloadHeader]
    private let body: Body
    private var buffer: ByteBuffer
    private var counter: UInt64 = 0

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
    mutating func next() -> ByteBuffer {
        let now = headers.isEmpty && !isTemplate ? 0 : WallClock.now
        if case .template(let template) = body {
            buffer.clear()
            buffer.writeRepeatingByte(0, count: headers.count * PayloadHeader.size)
            template.write(into: &buffer, now: now, unique: Self.unique.wrappingAdd(1, ordering: .relaxed).newValue)
        }
        for (index, header) in headers.enumerated() {
            let value =
                switch header {
                case .cnt64: counter
                case .ts: now / 1_000_000
                case .tsMicroseconds: now / 1000
                }
            buffer.setInteger(value, at: index * PayloadHeader.size)
        }
        counter &+= 1
        return buffer
    }

    private var isTemplate: Bool {
        if case .template = body { true } else { false }
    }
}
