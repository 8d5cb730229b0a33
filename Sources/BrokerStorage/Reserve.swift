import Glibc

/// A file that keeps space on the disk, and gives it back when the disk is full.
struct Reserve {
    let path: String
    /// Octets that the file has while it keeps space.
    let octets: Int
    /// Whether the space is kept, if any is to be.
    private(set) var isKept: Bool

    init(path: String, octets: Int) {
        self.path = path
        self.octets = octets
        isKept = octets == 0
    }

    /// Takes the space.
    ///
    /// - Parameter spare: octets that must be free beside it.
    /// - Returns: whether the space is kept.
    @discardableResult
    mutating func keep(beside spare: Int) -> Bool {
        guard !isKept else { return true }
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var space = statvfs()
        var there = stat()
        guard fstatvfs(descriptor, &space) == 0, fstat(descriptor, &there) == 0 else { return false }
        let free = Int(space.f_bavail) * Int(space.f_frsize) + Int(there.st_blocks) * 512
        guard free >= octets + spare, posix_fallocate(descriptor, 0, off_t(octets)) == 0 else {
            ftruncate(descriptor, 0)
            return false
        }
        isKept = true
        return true
    }

    /// Gives the space back.
    ///
    /// - Returns: whether there was something to give.
    mutating func release() -> Bool {
        guard isKept, octets > 0 else { return false }
        isKept = false
        return truncate(path, 0) == 0
    }
}
