import Foundation
import Glibc

/// Reads a file, or standard input, line by line.
final class LineReader {
    private let descriptor: CInt
    private var rest = Data()
    /// Octets of `rest` that contain no line end.
    private var searched = 0
    /// Octets that were read.
    private(set) var offset = 0
    /// Octets of a regular file; `nil` for another.
    let size: Int?

    private static let chunk = 262_144

    /// - Parameter path: `-` for standard input.
    /// - Returns: `nil` if the file cannot be opened, with `errno`.
    init?(path: String) {
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var information = stat()
        let isRegular = fstat(descriptor, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
        size = isRegular ? Int(information.st_size) : nil
    }

    deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

    /// The next line without its end; `nil` behind the last.
    func next() throws -> Data? {
        while true {
            if let end = rest.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")) {
                let line = rest[..<end]
                rest = rest[(end + 1)...]
                searched = 0
                return line
            }
            searched = rest.count
            guard try readMore() else {
                defer { rest = Data() }
                return rest.isEmpty ? nil : rest
            }
        }
    }

    private func readMore() throws -> Bool {
        var chunk = Data(count: Self.chunk)
        let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        // A copy, so that lines that were given away do not keep what lies before.
        rest = Data(rest) + chunk.prefix(count)
        offset += count
        return count > 0
    }
}
