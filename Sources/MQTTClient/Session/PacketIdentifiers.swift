/// The packet identifiers of a client, of which each is in use once over all its streams: so an exchange whose stream ends
/// goes on under its own on the control stream.
final class PacketIdentifiers {
    private var free: [UInt16] = []
    /// Those above have never been used.
    private var highest: UInt16 = 0

    var isAnyFree: Bool { !free.isEmpty || highest < .max }

    /// The last one given back, or `nil` when all 65,535 are in use.
    func take() -> UInt16? {
        if let recycled = free.popLast() { return recycled }
        guard highest < .max else { return nil }
        highest += 1
        return highest
    }

    func giveBack(_ identifier: UInt16) { free.append(identifier) }
}
