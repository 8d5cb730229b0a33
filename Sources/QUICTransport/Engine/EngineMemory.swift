internal import CNgtcp2
import Glibc

/// The memory of one `ngtcp2_conn`: a region of addresses, so that all of it can be folded while the connection is idle and
/// be restored at the same addresses.
///
/// ngtcp2 allocates memory for streams, packets and frames in groups of sixteen and keeps them, and has tree nodes of a
/// thousand bytes. Of the 27 KiB of an idle connection, nine tenths are zero or were never written.
///
/// Blocks are allocated first fit from the lowest address, which keeps blocks that outlive the handshake together. Free
/// memory is zero, so that it takes no room in the folded form and keys do not stay in it. Blocks for which there is no
/// room, and blocks longer than any that lives long, are the system's.
@safe struct EngineMemory {
    /// The longest block, bytes, which is an `ngtcp2_conn`. Longer ones are packets that arrived out of order.
    static let largestBlock = 12 * 1024

    /// The beginning of a region.
    @safe private struct Header {
        var functions = unsafe ngtcp2_mem()
        /// The offset of the first byte that was never in use.
        var top = UInt32(EngineMemory.firstBlock)
        /// The offset of the first vacant block, 0 for none. Vacant blocks are a list by ascending address.
        var vacant: UInt32 = 0
        /// The number of blocks in use that were requested with at most `SystemMemory.shortest` bytes, the system's ones
        /// included.
        var shortBlocks: UInt32 = 0
    }

    /// The header of a block, at an odd multiple of eight.
    private struct Block {
        /// The size of the block with its header, a multiple of 16 bytes.
        var size: UInt32
        /// Of a vacant block, the offset of the next one, 0 for none. Of a block in use, `short` if it counts as short;
        /// its size does not tell, since a remainder too small for a block stays with the block before.
        var next: UInt32

        /// The value of `next` in blocks that count as short; it is the offset of no block.
        static let short: UInt32 = 1
    }

    private static let firstBlock = 56
    private static let headerOfBlock = 8

    let base: UnsafeMutableRawPointer

    /// - Parameter region: `EngineRegions.size` bytes, all zero, at the beginning of a page.
    init(region: UnsafeMutableRawPointer) {
        unsafe self.base = region
        var header = Header()
        unsafe header.functions.user_data = region
        unsafe header.functions.malloc = { count, user in
            unsafe user.flatMap { unsafe EngineMemory.allocate(count, in: $0) }
        }
        unsafe header.functions.free = { block, user in
            if let block = unsafe block, let base = unsafe user { unsafe EngineMemory.free(block, in: base) }
        }
        unsafe header.functions.calloc = { count, size, user in
            let (bytes, overflows) = count.multipliedReportingOverflow(by: size)
            guard !overflows, let base = unsafe user, let block = unsafe EngineMemory.allocate(bytes, in: base) else {
                return nil
            }
            if unsafe !EngineMemory.holds(block, in: base) { unsafe memset(block, 0, bytes) }
            return unsafe block
        }
        unsafe header.functions.realloc = { block, count, user in
            guard let base = unsafe user else { return nil }
            guard let block = unsafe block else { return unsafe EngineMemory.allocate(count, in: base) }
            return unsafe EngineMemory.reallocate(block, count, in: base)
        }
        unsafe region.storeBytes(of: header, as: Header.self)
    }

    /// The allocation functions for ngtcp2, which keeps the pointer.
    var functions: UnsafeMutablePointer<ngtcp2_mem> {
        unsafe self.base.assumingMemoryBound(to: ngtcp2_mem.self)
    }

    /// Bytes from the beginning of the region beyond which all are zero.
    var extent: Int { unsafe Int(Self.header(self.base).pointee.top) }

    var shortBlocks: Int { unsafe Int(Self.header(self.base).pointee.shortBlocks) }

    /// Folds the memory, which must not be read or written until it is unfolded. `nil` if the system does not take the
    /// pages.
    func fold(with scratch: FoldingScratch) -> FoldedMemory? {
        let folded = unsafe scratch.fold(UnsafeRawBufferPointer(start: self.base, count: self.extent))
        if EngineRegions.giveUpPages(of: self) { return folded }
        folded.free()
        return nil
    }

    func unfold(_ folded: FoldedMemory) {
        unsafe folded.unfold(into: self.base)
        folded.free()
    }

    // MARK: Blocks

    private static func header(_ base: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Header> {
        unsafe base.assumingMemoryBound(to: Header.self)
    }

    private static func block(_ offset: UInt32, in base: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Block> {
        unsafe base.advanced(by: Int(offset)).assumingMemoryBound(to: Block.self)
    }

    static func holds(_ block: UnsafeMutableRawPointer, in base: UnsafeMutableRawPointer) -> Bool {
        unsafe block >= base && block < base.advanced(by: EngineRegions.size)
    }

    /// Links `offset` behind `previous` in the list of vacant blocks.
    private static func link(_ previous: UInt32, to offset: UInt32, in base: UnsafeMutableRawPointer) {
        if previous == 0 {
            unsafe self.header(base).pointee.vacant = offset
        } else {
            unsafe self.block(previous, in: base).pointee.next = offset
        }
    }

    /// Counts a block as short, or no longer as short.
    private static func setShort(_ isShort: Bool, _ offset: UInt32, in base: UnsafeMutableRawPointer) {
        let block = unsafe self.block(offset, in: base)
        guard unsafe isShort != (block.pointee.next == Block.short) else { return }
        unsafe block.pointee.next = isShort ? Block.short : 0
        if isShort {
            unsafe self.header(base).pointee.shortBlocks += 1
        } else {
            unsafe self.header(base).pointee.shortBlocks -= 1
        }
    }

    /// Marks a block as used. Returns its bytes.
    private static func begin(
        _ offset: UInt32,
        size: UInt32,
        for count: Int,
        in base: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        unsafe self.block(offset, in: base).pointee = Block(size: size, next: 0)
        unsafe self.setShort(count <= SystemMemory.shortest, offset, in: base)
        return unsafe base.advanced(by: Int(offset) + self.headerOfBlock)
    }

    private static func allocateFromSystem(
        _ count: Int,
        in base: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer? {
        guard let memory = unsafe malloc(count) else { return nil }
        if unsafe SystemMemory.isShort(memory) { unsafe self.header(base).pointee.shortBlocks += 1 }
        return unsafe memory
    }

    static func allocate(_ count: Int, in base: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        guard count <= self.largestBlock else { return unsafe self.allocateFromSystem(count, in: base) }
        let size = UInt32((count + self.headerOfBlock + 15) & ~15)
        var previous: UInt32 = 0
        var offset = unsafe self.header(base).pointee.vacant
        while offset != 0 {
            var vacant = unsafe self.block(offset, in: base).pointee
            guard vacant.size < size else {
                if vacant.size - size >= 32 {
                    unsafe self.block(offset + size, in: base).pointee = Block(
                        size: vacant.size - size,
                        next: vacant.next
                    )
                    vacant = Block(size: size, next: offset + size)
                }
                unsafe self.link(previous, to: vacant.next, in: base)
                return unsafe self.begin(offset, size: vacant.size, for: count, in: base)
            }
            previous = offset
            offset = vacant.next
        }
        offset = unsafe self.header(base).pointee.top
        guard Int(offset + size) <= EngineRegions.size else {
            return unsafe self.allocateFromSystem(count, in: base)
        }
        unsafe self.header(base).pointee.top = offset + size
        return unsafe self.begin(offset, size: size, for: count, in: base)
    }

    static func free(_ memory: UnsafeMutableRawPointer, in base: UnsafeMutableRawPointer) {
        guard unsafe self.holds(memory, in: base) else {
            if unsafe SystemMemory.isShort(memory) { unsafe self.header(base).pointee.shortBlocks -= 1 }
            return unsafe Glibc.free(memory)
        }
        var offset = UInt32(unsafe memory - base - self.headerOfBlock)
        var size = unsafe self.block(offset, in: base).pointee.size
        unsafe self.setShort(false, offset, in: base)
        unsafe memset(memory, 0, Int(size) - self.headerOfBlock)
        // The vacant blocks before and after it.
        var beforePrevious: UInt32 = 0
        var previous: UInt32 = 0
        var next = unsafe self.header(base).pointee.vacant
        while next != 0, next < offset {
            beforePrevious = previous
            previous = next
            next = unsafe self.block(next, in: base).pointee.next
        }
        if next == offset + size {
            let joined = unsafe self.block(next, in: base).pointee
            unsafe self.block(next, in: base).pointee = Block(size: 0, next: 0)
            size += joined.size
            next = joined.next
        }
        if previous != 0, case let joined = unsafe self.block(previous, in: base).pointee.size,
            previous + joined == offset
        {
            unsafe self.block(offset, in: base).pointee = Block(size: 0, next: 0)
            offset = previous
            size += joined
            previous = beforePrevious
        }
        if unsafe offset + size == self.header(base).pointee.top {
            unsafe self.block(offset, in: base).pointee = Block(size: 0, next: 0)
            unsafe self.header(base).pointee.top = offset
            unsafe self.link(previous, to: 0, in: base)
        } else {
            unsafe self.block(offset, in: base).pointee = Block(size: size, next: next)
            unsafe self.link(previous, to: offset, in: base)
        }
    }

    static func reallocate(
        _ memory: UnsafeMutableRawPointer,
        _ count: Int,
        in base: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer? {
        guard unsafe self.holds(memory, in: base) else {
            let before = unsafe SystemMemory.isShort(memory)
            guard let moved = unsafe realloc(memory, count) else { return nil }
            let after = unsafe SystemMemory.isShort(moved)
            if before, !after { unsafe self.header(base).pointee.shortBlocks -= 1 }
            if after, !before { unsafe self.header(base).pointee.shortBlocks += 1 }
            return unsafe moved
        }
        let offset = UInt32(unsafe memory - base - self.headerOfBlock)
        let room = unsafe Int(self.block(offset, in: base).pointee.size) - self.headerOfBlock
        if count <= room {
            unsafe self.setShort(count <= SystemMemory.shortest, offset, in: base)
            return unsafe memory
        }
        guard let moved = unsafe self.allocate(count, in: base) else { return nil }
        unsafe moved.copyMemory(from: memory, byteCount: room)
        unsafe self.free(memory, in: base)
        return unsafe moved
    }
}
