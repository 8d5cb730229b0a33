import NIOCore

/// `%pN`: N pages of 4,096 octets that make a message large. The pages are written in bulk, since a message may have 256 MiB of them.
struct PaddingPages {
    /// 1 to 65,535.
    let count: Int

    private static let pageSize = 4096

    init?(_ text: String) {
        guard text.hasPrefix("%p"), let count = Int(text.dropFirst(2)), (1...65_535).contains(count) else { return nil }
        self.count = count
    }

    /// Octets of all pages.
    var size: Int { count * Self.pageSize }

    /// Appends numbers of eight octets from 1 on, as emqtt_bench does.
    func writeNumbers(into buffer: inout ByteBuffer) {
        buffer.reserveCapacity(minimumWritableBytes: size)
        for number in 1...UInt64(size / 8) { buffer.writeInteger(number) }
    }

    /// Appends as many letters, which a JSON text can hold.
    func writeLetters(into buffer: inout ByteBuffer) {
        buffer.writeRepeatingByte(UInt8(ascii: "a"), count: size)
    }
}
