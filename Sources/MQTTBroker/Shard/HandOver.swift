import MQTTCodec
import NIOCore

/// What a shard has to tell the other shards at the end of a burst, and the order in which they hear it:
///
/// - A shard hears the messages of another shard in the order in which they were sent.
/// - An *answer* says that something was done. The messages for all shards leave before the first answer for any shard, so that
///   what an answer promises was handed over before it.
package struct HandOver: Sendable {
    private var messages: [Batch]
    private var answers: [Batch]
    package private(set) var isEmpty = true

    /// The messages, or the answers, for one shard.
    private struct Batch: Sendable {
        var messages: [ShardMessage] = []
        /// Octets that the messages hold until they are received, about.
        var weight = 0

        mutating func append(_ message: ShardMessage) {
            messages.append(message)
            weight += message.weight
        }

        mutating func append(
            _ packet: Packet,
            version: ProtocolVersion,
            isLast: Bool,
            of reference: ConnectionReference
        ) {
            let last = messages.count - 1
            if last >= 0, case .toHome(reference, .packets(var octets, false)) = messages[last].body {
                // The buffer has one owner now, so that it is not copied.
                messages[last].body = .announced(reference)
                weight += octets.write(packet, version: version)
                messages[last].body = .toHome(reference, .packets(octets, isLast: isLast))
            } else {
                var octets = ByteBuffer()
                octets.write(packet, version: version)
                append(ShardMessage(.toHome(reference, .packets(octets, isLast: isLast))))
            }
        }
    }

    /// - Parameter count: shards of the broker.
    package init(count: Int) {
        messages = Array(repeating: Batch(), count: count)
        answers = messages
    }

    mutating func append(_ message: ShardMessage, for shard: Int) {
        isEmpty = false
        if message.isAnswer { answers[shard].append(message) } else { messages[shard].append(message) }
    }

    /// Appends a packet of a connection for the home of its session. Packets of one connection that follow each other are one
    /// message.
    mutating func append(
        _ packet: Packet,
        version: ProtocolVersion,
        isLast: Bool,
        of reference: ConnectionReference,
        for shard: Int
    ) {
        isEmpty = false
        messages[shard].append(packet, version: version, isLast: isLast, of: reference)
    }

    /// Hands out all batches in the order in which they are to leave, and keeps none.
    ///
    /// - Parameter body: is given the shard that a batch is for, the batch, and the octets that it holds, about.
    package mutating func deliver(_ body: (_ shard: Int, _ messages: [ShardMessage], _ weight: Int) -> Void) {
        Self.deliver(&messages, body)
        Self.deliver(&answers, body)
        isEmpty = true
    }

    private static func deliver(_ batches: inout [Batch], _ body: (Int, [ShardMessage], Int) -> Void) {
        for shard in batches.indices where !batches[shard].messages.isEmpty {
            let batch = batches[shard]
            batches[shard] = Batch()
            body(shard, batch.messages, batch.weight)
        }
    }
}
