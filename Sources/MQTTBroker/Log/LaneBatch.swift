import MQTTCodec
import NIOCore

/// What a lane has to commit at once: the records since the batch before. A commit has one batch of a lane at most.
package struct LaneBatch {
    package let lane: Lane
    /// 1 for the first batch of the lane, and one more for each further one.
    package let position: UInt64
    let records: [LaneRecord]
    /// Positions behind that are committed with the batch, since nothing is left of their records.
    var emptyPositions: UInt64 = 0
    /// Segments of queues that are written together with the batch.
    package var segments: [StoredSegment] = []
    /// Segments that are deleted together with the batch.
    package var removedSegments: [UInt64] = []

    /// Which records are taken for a batch.
    package enum Age {
        case any
        /// Records that were there when aged ones were asked for before: receivers had time to acknowledge the messages of such records,
        /// and what is acknowledged need not be committed.
        case aged
    }

    /// True if the batch adds nothing to what is alive.
    package var frees: Bool { records.allSatisfy(\.frees) }
    /// When the batch was made, by the wall clock: milliseconds since 1970-01-01 UTC.
    package let made: Int64
}

/// Why octets are no batch.
package enum LaneBatchError: Error, Equatable, CustomStringConvertible {
    /// The octets end before the batch does.
    case cutOff
    case wrongChecksum
    /// A later release of Martlet wrote the batch.
    case newerVersion(UInt8)
    /// The checksum is right, and a record is not one that this release writes.
    case malformedRecord(Int)

    package var description: String {
        switch self {
        case .cutOff: "a batch of the log is cut off"
        case .wrongChecksum: "a batch of the log has a wrong checksum"
        case .newerVersion(let version):
            "a batch of the log has version \(version), and this release reads \(LaneBatch.version) at most"
        case .malformedRecord(let number): "record \(number) of a batch of the log is malformed"
        }
    }
}
