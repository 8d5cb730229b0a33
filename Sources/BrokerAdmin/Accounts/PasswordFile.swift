import Foundation
import Glibc
import Secrets

/// The file with the password that was made at the first start, for its owner only.
struct PasswordFile: Sendable {
    static let name = "dashboard-password"

    let path: String

    init(folder: String) { path = folder + "/" + Self.name }

    /// Writes the file, which no other process has open. One of an earlier start that did not come to an end is replaced.
    ///
    /// - Throws: `AccountFailure`.
    func write(_ password: String) throws(AccountFailure) {
        remove()
        let octets = Array((password + "\n").utf8)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, octets, octets.count) == octets.count, fsync(descriptor) == 0, syncFolder() else {
            let reason = errno
            remove()
            throw failure(reason)
        }
    }

    private func syncFolder() -> Bool {
        let descriptor = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }

    func remove() { unlink(path) }

    private func failure(_ code: Int32) -> AccountFailure {
        AccountFailure(
            "dashboard.default_password: none is configured, and one that was made cannot be written to \(path): \(String(cString: strerror(code)))"
        )
    }
}
