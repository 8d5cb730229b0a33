internal import CNgtcp2
import Glibc

/// The system's memory, with a count of its shortest blocks.
@safe final class SystemMemory {
    /// The requested size, bytes, up to which blocks count as short.
    static let shortest = 24

    /// The largest usable size, bytes, of a block of `shortest` bytes: glibc's malloc leaves a remainder that is too small
    /// for a block, 16 bytes, with the block before.
    private static let shortestUsable = shortest + 16

    /// What ngtcp2's allocation functions find by a pointer.
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
            unsafe SystemMemory.count(block, by: 1, user)
            return unsafe block
        }
        unsafe self.state.pointee.functions.calloc = { count, size, user in
            let block = unsafe Glibc.calloc(count, size)
            unsafe SystemMemory.count(block, by: 1, user)
            return unsafe block
        }
        unsafe self.state.pointee.functions.realloc = { old, size, user in
            unsafe SystemMemory.count(old, by: -1, user)
            let block = unsafe Glibc.realloc(old, size)
            unsafe SystemMemory.count(block ?? old, by: 1, user)
            return unsafe block
        }
        unsafe self.state.pointee.functions.free = { block, user in
            unsafe SystemMemory.count(block, by: -1, user)
            unsafe Glibc.free(block)
        }
    }

    deinit { unsafe self.state.deallocate() }

    /// The allocation functions for ngtcp2, which keeps the pointer.
    var functions: UnsafePointer<ngtcp2_mem> {
        unsafe UnsafeRawPointer(self.state).assumingMemoryBound(to: ngtcp2_mem.self)
    }

    var shortBlocks: Int { unsafe self.state.pointee.count }

    /// True if a block counts as short, by its usable size, since the requested size is not known when it is freed.
    static func isShort(_ block: UnsafeMutableRawPointer) -> Bool {
        unsafe malloc_usable_size(block) <= self.shortestUsable
    }

    private static func count(_ block: UnsafeMutableRawPointer?, by difference: Int, _ user: UnsafeMutableRawPointer?) {
        guard let block = unsafe block, unsafe self.isShort(block) else { return }
        unsafe user?.assumingMemoryBound(to: State.self).pointee.count += difference
    }
}
