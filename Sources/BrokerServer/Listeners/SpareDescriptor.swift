import Glibc

/// A file descriptor that is held in reserve: given up for a moment, it lets a listening socket accept while the process
/// has no other one left.
struct SpareDescriptor: ~Copyable {
    /// -1 while none could be had.
    private var descriptor: CInt

    init() { descriptor = Self.open() }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Accepts the connections that wait in a listening socket's backlog, and closes each at once, so that their clients fail
    /// at once and not by a timeout.
    ///
    /// - Parameters:
    ///   - socket: listening and non-blocking.
    ///   - limit: connections; the others stay in the backlog.
    /// - Returns: how many were closed.
    mutating func shed(_ socket: CInt, atMost limit: Int) -> Int {
        if descriptor >= 0 { close(descriptor) }
        defer { descriptor = Self.open() }
        var count = 0
        while count < limit {
            let accepted = accept(socket, nil, nil)
            if accepted < 0 { break }
            close(accepted)
            count += 1
        }
        return count
    }

    private static func open() -> CInt { Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC) }
}
