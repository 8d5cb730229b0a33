/// The high nibble of a packet's first octet (MQTT 5.0 §2.1.2). 0 is reserved.
enum PacketType: UInt8, CaseIterable {
    case connect = 1
    case connectAcknowledgement = 2
    case publish = 3
    case publishReceived = 4
    case publishRecorded = 5
    case publishRelease = 6
    case publishComplete = 7
    case subscribe = 8
    case subscribeAcknowledgement = 9
    case unsubscribe = 10
    case unsubscribeAcknowledgement = 11
    case pingRequest = 12
    case pingResponse = 13
    case disconnect = 14
    case authentication = 15

    /// The reserved flags in the low nibble; PUBLISH has flags of its own there [MQTT-2.1.3-1].
    var fixedFlags: UInt8 {
        switch self {
        case .publishRelease, .subscribe, .unsubscribe: 0b0010
        default: 0
        }
    }
}

/// A set of packet types.
struct PacketTypes: OptionSet {
    let rawValue: UInt16

    init(rawValue: UInt16) { self.rawValue = rawValue }

    init(_ types: [PacketType]) { rawValue = types.reduce(0) { $0 | 1 << UInt16($1.rawValue) } }

    /// True if the set has the type in the high nibble of `firstOctet`.
    @inline(__always)
    func contains(firstOctet: UInt8) -> Bool { rawValue >> UInt16(firstOctet >> 4) & 1 == 1 }

    /// The packet types that `role` may receive; CONNECT only while a server does not know the version [MQTT-3.1.0-1].
    static func receivable(by role: PacketDecoder.Role, version: ProtocolVersion?) -> Self {
        guard let version else { return connect }
        return switch role {
        case .server: version == .v5 ? serverV5 : serverV3
        case .client: version == .v5 ? clientV5 : clientV3
        }
    }

    // Made once, since a message between nodes is read by a decoder of its own.
    private static let connect = Self([.connect])
    private static let serverV3 = Self(delivery + [.subscribe, .unsubscribe, .pingRequest, .disconnect])
    private static let serverV5 = serverV3.union(Self([.authentication]))
    private static let clientV3 = Self(
        delivery + [.connectAcknowledgement, .subscribeAcknowledgement, .unsubscribeAcknowledgement, .pingResponse]
    )
    private static let clientV5 = clientV3.union(Self([.disconnect, .authentication]))
    private static let delivery: [PacketType] = [
        .publish, .publishReceived, .publishRecorded, .publishRelease, .publishComplete,
    ]
}
