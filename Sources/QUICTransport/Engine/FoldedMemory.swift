import Glibc

/// The memory of an idle connection without its zeros, from which the same memory is made again (`docs/memory.md`).
///
/// Memory is divided into groups of 64 words of eight bytes. A bit map tells which groups are not all zero. For each of
/// these follow: a bit map of its words that are not zero; half a byte for each such word, its length less one; and the
/// bytes of those words without leading zeros.
@safe struct FoldedMemory {
    fileprivate static let groupWords = 64
    /// Bytes after the end, since words are read and written as a whole.
    fileprivate static let margin = 8

    /// The first octets of the folded form.
    fileprivate struct Header {
        /// The size in bytes, this header included.
        let size: UInt32
        /// The number of groups, empty ones included.
        let groups: UInt32
    }

    fileprivate let bytes: UnsafeMutableRawPointer

    private var header: Header { unsafe self.bytes.load(as: Header.self) }

    /// Bytes.
    var size: Int { Int(self.header.size) }

    /// Writes the words that are not zero. The destination must be all zero.
    func unfold(into destination: UnsafeMutableRawPointer) {
        let words = unsafe destination.assumingMemoryBound(to: UInt64.self)
        let groups = Int(self.header.groups)
        let maps = unsafe UnsafeRawPointer(self.bytes).advanced(by: MemoryLayout<Header>.size)
        unsafe Self.populate(destination, maps, groups: groups)
        var input = unsafe maps.advanced(by: (groups + 63) / 64 * 8)
        for group in 0..<groups {
            let present = unsafe maps.load(fromByteOffset: group / 64 * 8, as: UInt64.self)
            guard present & 1 << UInt64(group % 64) != 0 else { continue }
            var mask = unsafe input.loadUnaligned(as: UInt64.self)
            let lengths = unsafe input.advanced(by: 8).assumingMemoryBound(to: UInt8.self)
            unsafe input = unsafe input.advanced(by: 8 + (mask.nonzeroBitCount + 1) / 2)
            var number = 0
            while mask != 0 {
                let pair = unsafe lengths[number / 2]
                let length = Int(number & 1 == 0 ? pair & 15 : pair >> 4) + 1
                let word = unsafe input.loadUnaligned(as: UInt64.self)
                let unused = UInt64(64 - 8 * length)
                unsafe words[group * Self.groupWords + mask.trailingZeroBitCount] = (word << unused) >> unused
                unsafe input = unsafe input.advanced(by: length)
                number += 1
                mask &= mask - 1
            }
        }
    }

    /// Allocates all pages that will be written in one call, in a third of the time that page faults take. Linux before 5.14
    /// does not know the call, and page faults happen. A page is eight groups, one octet of the bit map.
    private static func populate(_ destination: UnsafeMutableRawPointer, _ maps: UnsafeRawPointer, groups: Int) {
        let page = 8 * 8 * Self.groupWords
        let pages = unsafe UnsafeRawBufferPointer(start: maps, count: (groups + 7) / 8)
        var first = 0
        while first < pages.count {
            var end = first
            while end < pages.count, unsafe pages[end] != 0 { end += 1 }
            if end - first > 1 {
                unsafe madvise(destination.advanced(by: first * page), (end - first) * page, Self.populateForWriting)
            }
            first = end + 1
        }
    }

    /// `MADV_POPULATE_WRITE`
    private static let populateForWriting: CInt = 23

    /// Wipes and frees the folded form, since it contains keys.
    func free() {
        unsafe memset(self.bytes, 0, self.size)
        unsafe self.bytes.deallocate()
    }
}

/// A buffer in which memory is folded, as large as the folded form of the largest memory can be.
@safe final class FoldingScratch {
    private let bytes: UnsafeMutableRawPointer
    private let capacity: Int

    /// - Parameter size: bytes of the largest memory that is folded.
    init(size: Int) {
        let groups = size / (8 * FoldedMemory.groupWords) + 1
        self.capacity =
            8 + groups * (8 + 8 + FoldedMemory.groupWords / 2 + 8 * FoldedMemory.groupWords) + FoldedMemory.margin
        unsafe self.bytes = .allocate(byteCount: self.capacity, alignment: 8)
    }

    deinit {
        unsafe memset(self.bytes, 0, self.capacity)
        unsafe self.bytes.deallocate()
    }

    /// - Parameter memory: a multiple of eight bytes; bytes after it within the last group must be zero.
    func fold(_ memory: UnsafeRawBufferPointer) -> FoldedMemory {
        let groupBytes = 8 * FoldedMemory.groupWords
        let groups = (memory.count + groupBytes - 1) / groupBytes
        let start = unsafe self.bytes.advanced(by: MemoryLayout<FoldedMemory.Header>.size)
        let present = unsafe start.assumingMemoryBound(to: UInt64.self)
        let maps = (groups + 63) / 64
        for index in 0..<maps { unsafe present[index] = 0 }
        var output = unsafe start.advanced(by: maps * 8)
        guard let base = memory.baseAddress else { return unsafe self.copy(upTo: output, groups: 0) }
        let words = unsafe base.assumingMemoryBound(to: UInt64.self)
        let wordCount = memory.count / 8
        for group in 0..<groups {
            let first = group * FoldedMemory.groupWords
            let count = min(FoldedMemory.groupWords, wordCount - first)
            var mask: UInt64 = 0
            for index in 0..<count where unsafe words[first + index] != 0 { mask |= 1 << UInt64(index) }
            guard mask != 0 else { continue }
            unsafe present[group / 64] |= 1 << UInt64(group % 64)
            unsafe output.storeBytes(of: mask, as: UInt64.self)
            let lengths = unsafe output.advanced(by: 8).assumingMemoryBound(to: UInt8.self)
            unsafe output = unsafe output.advanced(by: 8 + (mask.nonzeroBitCount + 1) / 2)
            var number = 0
            while mask != 0 {
                let word = unsafe words[first + mask.trailingZeroBitCount]
                let length = 8 - word.leadingZeroBitCount / 8
                if number & 1 == 0 {
                    unsafe lengths[number / 2] = UInt8(length - 1)
                } else {
                    unsafe lengths[number / 2] |= UInt8(length - 1) << 4
                }
                unsafe output.storeBytes(of: word, as: UInt64.self)
                unsafe output = unsafe output.advanced(by: length)
                number += 1
                mask &= mask - 1
            }
        }
        return unsafe self.copy(upTo: output, groups: groups)
    }

    private func copy(upTo end: UnsafeMutableRawPointer, groups: Int) -> FoldedMemory {
        let size = unsafe end - self.bytes + FoldedMemory.margin
        let header = FoldedMemory.Header(size: UInt32(size), groups: UInt32(groups))
        unsafe self.bytes.storeBytes(of: header, as: FoldedMemory.Header.self)
        let copy = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        unsafe copy.copyMemory(from: self.bytes, byteCount: size - FoldedMemory.margin)
        return unsafe FoldedMemory(bytes: copy)
    }
}
