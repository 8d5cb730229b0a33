internal import CNgtcp2
import Glibc

/// Counts the gaps in what a connection has received of streams and handshake messages, over all of them.
///
/// ngtcp2 holds each stream to 5,000 gaps, but not a connection, and tells nobody how many there are. It has a block of 16
/// bytes for each and no others so short in such numbers, so those that it holds are counted.
@safe final class GapCounter {
    /// Bytes that the system gives for the shortest blocks.
    private static let shortest = 24

    @safe private struct State {
        var functions = unsafe ngtcp2_mem()
        var count = 0
    }

    private let state: UnsafeMutablePointer<State>

    init() {
        unsafe self.state = .allocate(capacity: 1)
        unsafe self.state.initialize(to: State())
        unsafe self.state.pointee.functions.user_data = UnsafeMutableRawPointer(self.state)
        unsafe self.state.pointee.functions.malloc = { size, user in
            let block = unsafe Glibc.malloc(size)
            unsafe GapCounter.count(block, by: 1, user)
            return unsafe block
        }
        unsafe self.state.pointee.functions.calloc = { count, size, user in
            let block = unsafe Glibc.calloc(count, size)
            unsafe GapCounter.count(block, by: 1, user)
            return unsafe block
        }
        unsafe self.state.pointee.functions.realloc = { old, size, user in
            unsafe GapCounter.count(old, by: -1, user)
            let block = unsafe Glibc.realloc(old, size)
            unsafe GapCounter.count(block ?? old, by: 1, user)
            return unsafe block
        }
        unsafe self.state.pointee.functions.free = { block, user in
            unsafe GapCounter.count(block, by: -1, user)
            unsafe Glibc.free(block)
        }
    }

    deinit { unsafe self.state.deallocate() }

    /// For ngtcp2, which keeps the pointer.
    var functions: UnsafePointer<ngtcp2_mem> {
        unsafe UnsafeRawPointer(self.state).assumingMemoryBound(to: ngtcp2_mem.self)
    }

    /// Gaps, and a few blocks besides that are as short.
    var count: Int { unsafe self.state.pointee.count }

    private static func count(_ block: UnsafeMutableRawPointer?, by difference: Int, _ user: UnsafeMutableRawPointer?) {
        guard let block = unsafe block, unsafe malloc_usable_size(block) <= self.shortest else { return }
        unsafe user?.assumingMemoryBound(to: State.self).pointee.count += difference
    }
}
