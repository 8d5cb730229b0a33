/// Octets 1 to 16 of a connection identifier, in memory in the order of the wire.
struct IdentifierBlock: Equatable {
    static let count = 16

    private var wire: (high: UInt64, low: UInt64)

    init(high: UInt64, low: UInt64) {
        self.wire = (high.bigEndian, low.bigEndian)
    }

    /// Octets 1 to 8.
    var high: UInt64 { UInt64(bigEndian: self.wire.high) }

    /// Octets 9 to 16.
    var low: UInt64 { UInt64(bigEndian: self.wire.low) }

    static func == (left: IdentifierBlock, right: IdentifierBlock) -> Bool { left.wire == right.wire }
}
