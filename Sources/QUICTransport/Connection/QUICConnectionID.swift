/// A QUIC connection identifier of 0 to 20 octets (RFC 9000 §5.1), held in line.
package struct QUICConnectionID: Hashable, Sendable {
    package static let maximumCount = 20

    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt32 = 0
    private var length: UInt8 = 0

    /// Octets beyond `maximumCount` are not taken.
    package init(_ octets: some Collection<UInt8>) {
        let count = min(octets.count, Self.maximumCount)
        unsafe withUnsafeMutableBytes(of: &self) { unsafe $0.copyBytes(from: octets.prefix(count)) }
        self.length = UInt8(count)
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        let count = min(bytes.count, Self.maximumCount)
        unsafe withUnsafeMutableBytes(of: &self) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
        self.length = UInt8(count)
    }

    package var count: Int { Int(self.length) }

    package var octets: [UInt8] { unsafe self.withUnsafeOctets { unsafe Array($0) } }

    func withUnsafeOctets<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try unsafe withUnsafeBytes(of: self) { try unsafe body(UnsafeRawBufferPointer(rebasing: $0[..<self.count])) }
    }
}

/// Makes the identifiers by which peers address our connections.
package protocol QUICConnectionIDGenerator: AnyObject {
    /// The one length of all identifiers it makes, 8 ... 20 octets.
    var count: Int { get }

    /// An identifier that was never made before.
    func make() -> QUICConnectionID
}
