import Foundation
import MQTTBroker
import NIOCore

/// Writes what commits make as lines of JSON.
struct StoreExport: ~Copyable {
    private var reader: StoreReader
    private(set) var sessions = 0
    private(set) var messages = 0
    private(set) var retained = 0

    /// Octets of lines that are written at once.
    private static let chunk = 262_144

    init(now: Instant) { reader = StoreReader(now: now, random: SystemRandomNumberGenerator()) }

    /// - Throws: `LaneBatchError`.
    mutating func read(_ commit: ByteBuffer) throws { try reader.read(commit) }

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
        var (items, sessions, messages, retained) = (0, 0, 0, 0)
        try reader.forEach(segment: segment) { item in
            try add(.item(item))
            items += 1
            switch item {
            case .session: sessions += 1
            case .delivery: messages += 1
            case .retained: retained += 1
            case .lane, .outgoing: break
            }
        }
        try add(.end(items: items))
        try body(lines)
        (self.sessions, self.messages, self.retained) = (sessions, messages, retained)
    }
}
