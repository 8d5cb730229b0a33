package import NIOCore

/// The head of a frame of a link. Integers are big endian:
///
///     version       1 octet: 1
///     flags         1: 1 the frames behind the acknowledged one are to be sent again; 2 an acknowledgement is asked for; 4 the other
///                     epoch and those below are over, of which the sender has begun anew
///     node, shard   1 each: the sender
///     run           8: the sender's
///     receiver run  8: of the node that it is for
///     epoch         4: of the sender's end of the link
///     other epoch   4: of the receiver's end, as the sender knows it; 0: the sender has not heard of it
///     number        8: of the frame, from 1 on in each epoch; 0: a frame without messages, which is not acknowledged
///     acknowledged  8: all frames of the other direction up to this number have come
///     credit        8: octets of entries that the other direction may send in all
///
/// Entries follow: each has 4 octets, the length with the highest bit set if the message goes on in the next entry, and so many octets.
package struct LinkHead: Equatable, Sendable {
    package var node: Int
    package var shard: Int
    package var run: UInt64
    package var receiverRun: UInt64
    package var epoch: UInt32
    package var otherEpoch: UInt32
    package var number: UInt64
    package var acknowledged: UInt64
    package var credit: UInt64
    package var flags: Flags

    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let gap = Flags(rawValue: 1)
        package static let asks = Flags(rawValue: 2)
        /// The sender has begun anew, and heard nothing of a later epoch than `otherEpoch`: that one is over.
        package static let over = Flags(rawValue: 4)
    }

    package static let size = 52
    static let version: UInt8 = 1

    package init(
        node: Int,
        shard: Int,
        run: UInt64,
        receiverRun: UInt64,
        epoch: UInt32,
        otherEpoch: UInt32,
        number: UInt64,
        acknowledged: UInt64,
        credit: UInt64,
        flags: Flags
    ) {
        self.node = node
        self.shard = shard
        self.run = run
        self.receiverRun = receiverRun
        self.epoch = epoch
        self.otherEpoch = otherEpoch
        self.number = number
        self.acknowledged = acknowledged
        self.credit = credit
        self.flags = flags
    }

    /// Reads the head of a frame, and leaves the reader index at its entries. `nil` for what is no head of this version.
    package init?(reading frame: inout ByteBuffer) {
        guard let (version, flags, node, shard) = frame.readMultipleIntegers(as: (UInt8, UInt8, UInt8, UInt8).self),
            let (run, receiverRun, epoch, otherEpoch) = frame.readMultipleIntegers(
                as: (UInt64, UInt64, UInt32, UInt32).self
            ),
            let (number, acknowledged, credit) = frame.readMultipleIntegers(as: (UInt64, UInt64, UInt64).self)
        else { return nil }
        guard version == Self.version, node <= 31, shard <= 31, flags <= 7, epoch > 0 else { return nil }
        guard number > 0 || frame.readableBytes == 0 else { return nil }
        self.init(
            node: Int(node),
            shard: Int(shard),
            run: run,
            receiverRun: receiverRun,
            epoch: epoch,
            otherEpoch: otherEpoch,
            number: number,
            acknowledged: acknowledged,
            credit: credit,
            flags: Flags(rawValue: flags)
        )
    }

    /// Writes the head over the first octets of a frame.
    package func set(in frame: inout ByteBuffer) {
        let start = frame.readerIndex
        frame.setMultipleIntegers(
            Self.version,
            flags.rawValue,
            UInt8(truncatingIfNeeded: node),
            UInt8(truncatingIfNeeded: shard),
            at: start
        )
        frame.setMultipleIntegers(run, receiverRun, epoch, otherEpoch, at: start + 4)
        frame.setMultipleIntegers(number, acknowledged, credit, at: start + 28)
    }

    /// A frame with room for a head, and nothing else.
    package static func emptyFrame(capacity: Int = size) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.reserveCapacity(max(capacity, size))
        frame.writeRepeatingByte(0, count: size)
        return frame
    }
}

/// What stands before each part of a message.
enum LinkEntry {
    static let size = 4
    /// The message goes on in the next entry.
    static let goesOn: UInt32 = 1 << 31
}
