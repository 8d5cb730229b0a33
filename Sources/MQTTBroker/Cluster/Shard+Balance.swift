import MQTTCodec
import NIOCore

// Clients that a shard lets go, so that they connect to other nodes.
extension Shard {
    /// For how long a client is connected at least before it is let go, so that it is not sent from node to node.
    private static var shortestStay: TimeAmount { .seconds(30) }

    /// Ends connections with DISCONNECT 0x9C (MQTT 5.0 §4.13), those first whose turn it has not been. Clients with a will stay, since it would be
    /// published [MQTT-3.1.2-8].
    package mutating func letGo(clients count: Int, now: Instant) {
        var left = count
        let slots = connections.slotCount
        for _ in 0..<slots where left > 0 {
            nextToLetGo = nextToLetGo + 1 < slots ? nextToLetGo + 1 : 0
            guard let connection = connections[slot: nextToLetGo], connection.state == .connected,
                !connection.isDataStream, connection.will == nil, connection.remoteSession?.claim.will == nil,
                now.monotonic >= connection.accepted + Self.shortestStay
            else { continue }
            counters.clientsLetGo += 1
            fail(connection, .useAnotherServer, now: now)
            left -= 1
        }
        drainLocal(now: now)
    }
}
