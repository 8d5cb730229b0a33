import MQTTBroker
package import NIOCore

/// What must hold for any octets that another node sends to a shard: they are messages or they are not, what was read is written and read
/// again as the same, and a shard that hears it goes on, comes to rest, and does not keep more of it than a node may make it keep.
///
/// An input is batches of messages, each behind its length in two octets.
package enum ShardMessagesOracle {
    package struct Fault: Error { package let message: String }

    /// How often a batch may be a reason for another message, once it was heard: a shard asks and answers, it does not talk.
    private static let mostAnswers = 10_000

    package static func check(_ octets: ByteBuffer) throws {
        var rest = octets
        var shard = HearingShard()
        while let length: UInt16 = rest.readInteger() {
            let batch = rest.readSlice(length: min(Int(length), rest.readableBytes)) ?? ByteBuffer()
            try checkOctets(of: batch, now: shard.now)
            shard.hear(batch)
            guard shard.answers <= mostAnswers else { throw Fault(message: "a shard answers without end") }
        }
        try shard.end()
    }

    private static func checkOctets(of batch: ByteBuffer, now: Instant) throws {
        var octets = batch
        guard let messages = ShardMessage.read(from: &octets, now: now) else { return }
        var written = ByteBuffer()
        ShardMessage.write(messages, to: &written, now: now)
        var rest = written
        guard let again = ShardMessage.read(from: &rest, now: now), again.count == messages.count else {
            throw Fault(message: "messages that were read and written are no messages, or others")
        }
        var twice = ByteBuffer()
        ShardMessage.write(again, to: &twice, now: now)
        guard twice == written else { throw Fault(message: "messages that were read are written in another way") }
    }
}
