import Glibc

/// A reader of a descriptor's lines that never blocks.
struct LineReader {
    let descriptor: CInt
    private(set) var isAtEnd = false
    private var octets: [UInt8] = []

    /// Octets of a line. What has been read of a longer line is dropped.
    private static let longest = 65_536

    init(descriptor: CInt) { self.descriptor = descriptor }

    /// The next line; nil if none is complete. Reads at most once.
    mutating func next() -> String? {
        if let line = take() { return line }
        guard !isAtEnd else { return nil }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 0) > 0 else { return nil }
        var read = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &read, read.count)
        if count <= 0 {
            isAtEnd = count == 0 || errno != EINTR && errno != EAGAIN
            return nil
        }
        octets += read[..<count]
        if octets.count > Self.longest { octets.removeAll() }
        return take()
    }

    private mutating func take() -> String? {
        guard let end = octets.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { octets.removeSubrange(...end) }
        return String(decoding: octets[..<end], as: UTF8.self)
    }
}
