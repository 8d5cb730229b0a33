import Foundation

/// Reads configuration files from the disk.
package enum ConfigurationFile {
    /// Reads the file that the user names, which may be a pipe.
    /// - Returns: `nil` if the file does not exist; else at most `limit + 1` bytes, so that the caller notices a longer file.
    package static func read(_ path: String, limit: Int) throws -> [UInt8]? {
        try open(path, flags: 0).map { try bytes(of: $0, limit: limit) }
    }

    /// Reads an included file, which must be a regular file or a link to one, since reading a pipe could block for ever.
    /// - Returns: as `read`.
    package static func readInclude(_ path: String, limit: Int) throws -> [UInt8]? {
        guard let file = try open(path, flags: O_NONBLOCK | O_NOCTTY) else { return nil }
        var status = stat()
        guard fstat(file.fileDescriptor, &status) == 0 else { throw Unreadable(code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Unreadable(reason: "it is not a regular file") }
        return try bytes(of: file, limit: limit)
    }

    private static func open(_ path: String, flags: Int32) throws -> FileHandle? {
        // The system would read the path up to the zero only.
        guard !path.utf8.contains(0) else { throw Unreadable(code: EINVAL) }
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | flags)
        if descriptor < 0 && errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw Unreadable(code: errno) }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    private static func bytes(of file: FileHandle, limit: Int) throws -> [UInt8] {
        do {
            return try file.read(upToCount: limit + 1).map { Array($0) } ?? []
        } catch {
            throw Unreadable(code: errno)
        }
    }

    /// Why a file cannot be read, in the system's words.
    private struct Unreadable: Error, CustomStringConvertible {
        let description: String

        init(reason: String) { description = reason }
        init(code: Int32) { description = String(cString: strerror(code)) }
    }
}
