import Foundation
import Glibc

/// The file of the audit log, JSON lines, and the earlier one that it took the place of. It waits for the disk.
struct AuditFile: Sendable {
    let path: String
    /// Octets of each of the two.
    let maximum: Int

    var earlier: String { path + ".1" }

    init(folder: String, maximum: Int) {
        path = folder + "/audit.log"
        self.maximum = maximum
    }

    /// An error of the system.
    struct Failure: Error {
        let code: Int32
    }

    // MARK: Reading

    /// The lines of both files, the oldest first. Of a file that is too long, the last ones.
    func lines() -> [Data] { [earlier, path].flatMap(lines) }

    private func lines(of path: String) -> [Data] {
        guard let file = try? FileHandle(forReadingFrom: URL(fileURLWithPath: path)) else { return [] }
        defer { try? file.close() }
        guard let end = try? file.seekToEnd() else { return [] }
        let start = end - min(end, UInt64(maximum))
        guard (try? file.seek(toOffset: start)) != nil, let octets = try? file.read(upToCount: maximum) else {
            return []
        }
        let lines = octets.split(separator: UInt8(ascii: "\n"))
        return start > 0 ? Array(lines.dropFirst()) : lines
    }

    // MARK: Writing

    /// Adds whole lines, behind a whole line.
    func append(_ lines: [UInt8]) throws(Failure) {
        var descriptor = try open()
        defer { close(descriptor) }
        var size = try size(descriptor)
        if size > 0, size + lines.count > maximum {
            guard rename(path, earlier) == 0 else { throw Failure(code: errno) }
            close(descriptor)
            descriptor = -1
            descriptor = try open()
            size = 0
        }
        let octets = try endsWithLine(descriptor, size) ? lines : [UInt8(ascii: "\n")] + lines
        var written = 0
        while written < octets.count {
            let count = octets[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(code: errno) }
            written += count
        }
    }

    private func open() throws(Failure) -> Int32 {
        let descriptor = Glibc.open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(code: errno) }
        return descriptor
    }

    private func size(_ descriptor: Int32) throws(Failure) -> Int {
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0 else { throw Failure(code: errno) }
        return size
    }

    /// False if the last write did not come to its end.
    private func endsWithLine(_ descriptor: Int32, _ size: Int) throws(Failure) -> Bool {
        guard size > 0 else { return true }
        var last: UInt8 = 0
        guard pread(descriptor, &last, 1, size - 1) == 1 else { throw Failure(code: errno) }
        return last == UInt8(ascii: "\n")
    }
}
