import Secrets

/// A keyed hash of 32 bits to 5, which hides the worker in octet 0 of a connection identifier.
///
/// The hash uses only operations of classic BPF, since the kernel removes the mask, too (`IdentifierSteering`).
struct IdentifierMask: Sendable, SecretValue {
    let keys: (UInt32, UInt32, UInt32)

    /// - Parameter octets: 12, of which the multipliers are made odd.
    init(_ octets: [UInt8]) {
        func word(_ index: Int) -> UInt32 {
            octets.dropFirst(4 * index).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        }
        self.keys = (word(0), word(1) | 1, word(2) | 1)
    }

    /// A mask, 0 to 31.
    func value(_ word: UInt32) -> UInt8 {
        let once = (word ^ self.keys.0) &* self.keys.1
        let twice = (once ^ once >> 15) &* self.keys.2
        return UInt8(twice >> 27)
    }
}

/// The parameters by which the kernel finds the worker in an identifier.
package struct IdentifierSteering: Sendable {
    let mask: IdentifierMask
    /// Index in the identifier of the four octets that the mask is computed from.
    let maskedOffset: Int
    /// Length of the identifiers.
    let count: Int
}
