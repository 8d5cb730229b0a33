/// The numbers of a node's QUIC listeners in relay frames, the same at all nodes that have the same listeners.
///
/// A number comes from a hash of the name, so that one more listener at one node leaves the numbers of the others as they are,
/// unless two hashes agree: then the listener whose name comes later takes the next free number.
package enum RelayListeners {
    /// The listeners that frames can name.
    package static let maximumCount = 256

    /// - Returns: the number of each name; names beyond `maximumCount` have none.
    package static func numbers(of names: [String]) -> [String: UInt8] {
        var numbers: [String: UInt8] = [:]
        var taken: Set<UInt8> = []
        for name in Set(names).sorted().prefix(self.maximumCount) {
            var number = self.hash(name)
            while !taken.insert(number).inserted { number &+= 1 }
            numbers[name] = number
        }
        return numbers
    }

    /// FNV-1a of 32 bits, folded.
    private static func hash(_ name: String) -> UInt8 {
        let hash = name.utf8.reduce(0x811c_9dc5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        return UInt8(truncatingIfNeeded: hash ^ hash >> 8 ^ hash >> 16 ^ hash >> 24)
    }
}
