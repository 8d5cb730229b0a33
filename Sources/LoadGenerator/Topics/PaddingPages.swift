import NIOCore

/// `%pN`: N pages of 4,096 octets that make a message large.
struct PaddingPages {
    let count: Int

    private static let pageSize = 4096

    init?(_ text: String) {
        guard text.hasPrefix("%p"), let count = Int(text.dropFirst(2)), (1...65_535).contains(count) else { return nil }
        self.count = count
    }

    /// Numbers of eight octets from 1 on, as the peer's.
    var octets: ByteBuffer {
        let numbers = count * Self.pageSize / 8
        var buffer = ByteBuffer()
        buffer.reserveCapacity(numbers * 8)
        for number in 1...UInt64(numbers) { buffer.writeInteger(number) }
        return buffer
    }

    /// What a JSON text can hold: as many letters.
    var text: String { String(repeating: "a", count: count * Self.pageSize) }
}
