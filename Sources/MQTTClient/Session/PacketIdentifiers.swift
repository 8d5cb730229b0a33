/// The packet identifiers of a client. Each is in use on one stream at most, so that the control stream can continue the exchange
/// of a stream that has ended under the same identifier.
final class PacketIdentifiers {
    private var free: [UInt16] = []
    /// The identifiers above have never been used.
    private var highest: UInt16 = 0

    var isAnyFree: Bool { !free.isEmpty || highest < .max }

    /// The identifier given back last, else a new one; `nil` if all 65,535 are in use.
    func take() -> UInt16? {
        if let recycled = free.popLast() { return recycled }
        guard highest < .max else { return nil }
        highest += 1
        return highest
    }

    func giveBack(_ identifier: UInt16) { free.append(identifier) }
}
