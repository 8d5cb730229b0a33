import Glibc

/// The lock that lets one process at a time write a store. The lock goes with its descriptor, however the process ends.
final class StoreLock: Sendable {
    private let descriptor: CInt

    /// - Throws: `StoreFailure` of the kind `inUse` where another process has the lock.
    init(path: String) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let kind: StoreFailure.Kind =
                errno == EROFS || errno == EACCES ? .readOnly : errno == ENOSPC ? .full : .other
            throw StoreFailure(kind, "\(path): cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = errno
            close(descriptor)
            throw error == EWOULDBLOCK
                ? StoreFailure(.inUse, "\(path): another process has this store; give each its own folder")
                : StoreFailure(.other, "\(path): cannot be locked: \(String(cString: strerror(error)))")
        }
    }

    /// Lets another process have the store.
    func release() { flock(descriptor, LOCK_UN) }

    deinit { close(descriptor) }
}
