import Glibc

/// The regions of addresses for the memory of an endpoint's connections. Addresses alone cost next to nothing, since the
/// system allocates a page when it is first written.
@safe final class EngineRegions {
    /// Bytes of a region. A handshake takes 40 KiB of them, one with long messages more.
    static let size = 64 * 1024
    private static let regionsOfMapping = 1024
    /// The number of unused regions that keep their pages, so that a new connection after a closed one costs no page faults.
    private static let warmCount = 64

    private var mappings: [UnsafeMutableRawPointer] = unsafe []
    /// Unused regions without pages.
    private var cold: [UnsafeMutableRawPointer] = unsafe []
    /// Unused regions with pages, which are zero.
    private var warm: [UnsafeMutableRawPointer] = unsafe []

    /// The buffer for folding, which all regions share.
    let scratch = FoldingScratch(size: EngineRegions.size)

    /// The number of regions in use.
    private(set) var usedCount = 0

    deinit {
        while let mapping = unsafe self.mappings.popLast() {
            unsafe munmap(mapping, Self.regionsOfMapping * Self.size)
        }
    }

    /// Takes memory for a connection, all zero; `nil` if the system has no more addresses.
    func take() -> EngineMemory? {
        if unsafe self.warm.isEmpty, unsafe self.cold.isEmpty { self.map() }
        guard let region = unsafe self.warm.popLast() ?? self.cold.popLast() else { return nil }
        self.usedCount += 1
        return unsafe EngineMemory(region: region)
    }

    /// Takes back the memory of a deleted connection.
    func giveBack(_ memory: EngineMemory) {
        self.usedCount -= 1
        if unsafe self.warm.count >= Self.warmCount, Self.giveUpPages(of: memory) {
            unsafe self.cold.append(memory.base)
        } else {
            unsafe memset(memory.base, 0, memory.extent)
            unsafe self.warm.append(memory.base)
        }
    }

    /// Returns the pages to the system, after which they read as zero.
    static func giveUpPages(of memory: EngineMemory) -> Bool {
        unsafe madvise(memory.base, self.size, MADV_DONTNEED) == 0
    }

    private func map() {
        let size = Self.regionsOfMapping * Self.size
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let mapping = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, flags, -1, 0),
            unsafe mapping != MAP_FAILED
        else { return }
        // A huge page would hold the memory of 32 connections, folded or not.
        unsafe madvise(mapping, size, MADV_NOHUGEPAGE)
        unsafe self.mappings.append(mapping)
        for index in (0..<Self.regionsOfMapping).reversed() {
            unsafe self.cold.append(mapping.advanced(by: index * Self.size))
        }
    }
}
