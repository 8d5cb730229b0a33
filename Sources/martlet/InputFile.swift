import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Standard input, or a file of any kind (regular, pipe, device), read on a thread that may block.
struct InputFile {
    private let name: String
    private let descriptor: Int32
    private var buffer = ByteBuffer()
    /// Octets after the reader index that contain no line end.
    private var searched = 0
    private var isAtEnd = false

    private static let chunkSize = 65_536
    /// Octets of the largest MQTT packet (MQTT 5.0 §2.1.4): a larger payload cannot be sent.
    private static let limit = 268_435_455

    /// Why a file cannot be used, with its name.
    struct Failure: Error, CustomStringConvertible { let description: String }

    static var standardInput: Self { Self(name: "standard input", descriptor: STDIN_FILENO) }

    /// Everything that a file contains; of a pipe, everything up to its end.
    ///
    /// - Throws: `Failure` if the file cannot be opened or read, or is larger than an MQTT packet can be.
    static func contents(of path: String) async throws -> ByteBuffer {
        let descriptor = try await NIOThreadPool.singleton.runIfActive {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            if descriptor < 0 { throw Failure(description: "cannot open \(path): \(String(cString: strerror(errno)))") }
            return descriptor
        }
        defer { _ = close(descriptor) }
        var file = Self(name: path, descriptor: descriptor)
        return try await file.all()
    }

    private init(name: String, descriptor: Int32) {
        self.name = name
        self.descriptor = descriptor
    }

    /// The next lines without their line ends, at least one; `nil` after the last.
    ///
    /// - Throws: `Failure`.
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
    ///
    /// - Throws: `Failure`.
    mutating func all() async throws -> ByteBuffer {
        while !isAtEnd { try await readMore() }
        return buffer
    }

    private mutating func readMore() async throws {
        let chunk = try await NIOThreadPool.singleton.runIfActive { [name, descriptor] in
            var outcome = 0
            var cause: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: Self.chunkSize) { bytes, count in
                repeat {
                    outcome = read(descriptor, bytes.baseAddress, bytes.count)
                    cause = errno
                } while outcome < 0 && cause == EINTR
                count = max(0, outcome)
            }
            if outcome < 0 { throw Failure(description: "cannot read \(name): \(String(cString: strerror(cause)))") }
            return chunk
        }
        isAtEnd = chunk.isEmpty
        buffer.discardReadBytes()
        buffer.writeBytes(chunk)
        guard buffer.readableBytes <= Self.limit else {
            throw Failure(description: "\(name) contains more than an MQTT packet can (\(Self.limit) octets)")
        }
    }
}
