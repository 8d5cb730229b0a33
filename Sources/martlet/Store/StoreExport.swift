import Foundation
import MQTTBroker
import NIOCore

/// Writes what commits make as lines of JSON.
struct StoreExport: ~Copyable {
    private var reader: StoreReader
    /// What was written.
    private(set) var count = Count()

    struct Count: Sendable, Equatable {
        var sessions = 0
        var messages = 0
        var retained = 0
        /// Messages on their way from one lane to others.
        var outgoing = 0

        /// True if a client would miss something.
        var isSomething: Bool { sessions + retained + outgoing > 0 }
    }

    /// Octets of lines that are written at once.
    private static let chunk = 262_144

    init(now: Instant) { reader = StoreReader(now: now, random: SystemRandomNumberGenerator()) }

    /// - Throws: `LaneBatchError`.
    mutating func read(_ commit: ByteBuffer) throws { try reader.read(commit) }

    /// Forgets what was read of a lane.
    mutating func forget(lane: Int) { reader.forget(lane: lane) }

    /// Writes all lines. Nothing more is to be read.
    ///
    /// - Parameter segment: reads a segment of a queue.
    mutating func write(segment: (UInt64) throws -> ByteBuffer?, to body: (Data) throws -> Void) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var lines = Data()
        func add(_ line: StoreLine) throws {
            lines.append(try encoder.encode(line))
            lines.append(UInt8(ascii: "\n"))
            guard lines.count > Self.chunk else { return }
            try body(lines)
            lines = Data()
        }
        try add(.format(version: StoreLine.version))
        var items = 0
        var count = Count()
        try reader.forEach(segment: segment) { item in
            try add(.item(item))
            items += 1
            switch item {
            case .session: count.sessions += 1
            case .delivery: count.messages += 1
            case .retained: count.retained += 1
            case .outgoing: count.outgoing += 1
            case .lane: break
            }
        }
        try add(.end(items: items))
        try body(lines)
        self.count = count
    }
}
