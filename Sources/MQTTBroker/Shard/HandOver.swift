import MQTTCodec
import NIOCore

/// What a shard has to tell the other shards at the end of a burst, and the order in which they hear it:
///
/// - A shard hears the messages of another shard in the order in which they were sent.
/// - An *answer* says that something was done. The messages for all shards leave before the first answer for any shard, so that
///   what an answer promises was handed over before it.
package struct HandOver: Sendable {
    private let node: UInt8
    /// For the shards of this node, by their index.
    private var messages: [Batch]
    private var answers: [Batch]
    /// For shards of other nodes.
    private var remoteMessages: [Batch] = []
    private var remoteAnswers: [Batch] = []
    package private(set) var isEmpty = true

    /// The messages, or the answers, for one shard.
    private struct Batch: Sendable {
        let shard: ShardReference
        var messages: [ShardMessage] = []
        /// Octets that the messages hold until they are received, about; of no meaning for a shard of another node, whose link counts its
        /// own.
        var weight = 0

        @inline(__always)
        mutating func append(isLast: Bool, of reference: ConnectionReference, _ write: (inout ByteBuffer) -> Int) {
            let last = messages.count - 1
            if last >= 0, case .toHome(reference, .packets(var octets, false)) = messages[last].body {
                // The buffer has one owner now, so that it is not copied.
                messages[last].body = .stored(0)
                weight += write(&octets)
                messages[last].body = .toHome(reference, .packets(octets, isLast: isLast))
            } else {
                var octets = ByteBuffer()
                _ = write(&octets)
                let message = ShardMessage(.toHome(reference, .packets(octets, isLast: isLast)))
                weight += message.weight
                messages.append(message)
            }
        }
    }

    /// - Parameters:
    ///   - node: the number of this node.
    ///   - count: shards of this node.
    package init(node: UInt8 = 0, count: Int) {
        self.node = node
        messages = (0..<count).map { Batch(shard: ShardReference(node: Int(node), shard: $0)) }
        answers = messages
    }

    mutating func append(_ message: consuming ShardMessage, for shard: ShardReference) {
        // A shard that there is not may have been named by another node.
        if shard.node == node, shard.index >= messages.count { return }
        isEmpty = false
        let isAnswer = message.isAnswer
        if shard.node == node {
            let weight = message.weight
            if isAnswer {
                answers[shard.index].weight += weight
                answers[shard.index].messages.append(message)
            } else {
                messages[shard.index].weight += weight
                messages[shard.index].messages.append(message)
            }
        } else if isAnswer {
            remoteAnswers[Self.place(of: shard, in: &remoteAnswers)].messages.append(message)
        } else {
            remoteMessages[Self.place(of: shard, in: &remoteMessages)].messages.append(message)
        }
    }

    /// The index of the batch for a shard of another node, which is made if there is none.
    private static func place(of shard: ShardReference, in batches: inout [Batch]) -> Int {
        if let place = batches.firstIndex(where: { $0.shard == shard }) { return place }
        batches.append(Batch(shard: shard))
        return batches.count - 1
    }

    /// Appends a packet of a connection for the home of its session. Packets of one connection that follow each other are one
    /// message.
    ///
    /// - Parameter write: appends the octets of the packet.
    mutating func append(
        isLast: Bool,
        of reference: ConnectionReference,
        for shard: ShardReference,
        _ write: (inout ByteBuffer) -> Int
    ) {
        if shard.node == node, shard.index >= messages.count { return }
        isEmpty = false
        if shard.node == node {
            messages[shard.index].append(isLast: isLast, of: reference, write)
        } else {
            remoteMessages[Self.place(of: shard, in: &remoteMessages)].append(isLast: isLast, of: reference, write)
        }
    }

    /// Drops what is told again to the shards of another node, once it is known what becomes of that node: application messages, and packets of
    /// connections.
    mutating func dropRetold(forNode node: UInt8) {
        for place in remoteMessages.indices where remoteMessages[place].shard.node == node {
            remoteMessages[place].messages.removeAll { $0.isPublish || $0.isPackets }
        }
    }

    /// Hands out all batches in the order in which they are to leave, and keeps none.
    ///
    /// - Parameter body: is given the shard that a batch is for, the batch, and the octets that it holds, about.
    package mutating func deliver(
        _ body: (_ shard: ShardReference, _ messages: [ShardMessage], _ weight: Int) -> Void
    ) {
        Self.deliver(&messages, body)
        Self.deliver(&remoteMessages, body)
        Self.deliver(&answers, body)
        Self.deliver(&remoteAnswers, body)
        isEmpty = true
    }

    private static func deliver(_ batches: inout [Batch], _ body: (ShardReference, [ShardMessage], Int) -> Void) {
        for place in batches.indices where !batches[place].messages.isEmpty {
            let batch = batches[place]
            batches[place] = Batch(shard: batch.shard)
            body(batch.shard, batch.messages, batch.weight)
        }
    }
}
