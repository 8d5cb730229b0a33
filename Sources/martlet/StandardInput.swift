import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Standard input, read on a thread that may block.
struct StandardInput {
    private var buffer = ByteBuffer()
    /// Octets after the reader index that contain no line end.
    private var searched = 0
    private var isAtEnd = false

    private static let chunkSize = 65_536
    /// The largest packet of MQTT (5.0 §2.1.4): more would not be a message.
    private static let limit = 268_435_455

    /// The next lines without their ends, at least one, or `nil` after the last.
    mutating func lines() async throws -> [ByteBuffer]? {
        while true {
            var lines: [ByteBuffer] = []
            while let end = buffer.readableBytesView.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")) {
                if let line = buffer.readSlice(length: end - buffer.readerIndex) { lines.append(line) }
                buffer.moveReaderIndex(forwardBy: 1)
                searched = 0
            }
            searched = buffer.readableBytes
            if lines.isEmpty, isAtEnd, buffer.readableBytes > 0 {
                lines.append(buffer)
                buffer = ByteBuffer()
                searched = 0
            }
            guard lines.isEmpty else { return lines }
            guard !isAtEnd else { return nil }
            try await readMore()
        }
    }

    /// Everything up to the end.
    mutating func all() async throws -> ByteBuffer {
        while !isAtEnd { try await readMore() }
        return buffer
    }

    private mutating func readMore() async throws {
        let chunk = try await NIOThreadPool.singleton.runIfActive {
            [UInt8](unsafeUninitializedCapacity: Self.chunkSize) { bytes, count in
                count = max(0, read(STDIN_FILENO, bytes.baseAddress, bytes.count))
            }
        }
        isAtEnd = chunk.isEmpty
        buffer.discardReadBytes()
        buffer.writeBytes(chunk)
        guard buffer.readableBytes <= Self.limit else {
            throw Terminal.failure("pub: a message from standard input is larger than MQTT allows", code: 1)
        }
    }
}
