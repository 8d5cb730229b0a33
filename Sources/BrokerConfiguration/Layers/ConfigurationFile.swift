import Foundation

/// Reads configuration files from the disk.
package enum ConfigurationFile {
    /// - Returns: nil when there is no such file; at most `limit + 1` bytes, so that the caller sees when it is longer.
    package static func read(_ path: String, limit: Int) throws -> [UInt8]? {
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            return try file.read(upToCount: limit + 1).map { Array($0) } ?? []
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile || error.code == .fileNoSuchFile {
            return nil
        } catch {
            throw Unreadable(reason: String(cString: strerror(errno)))
        }
    }

    private struct Unreadable: Error, CustomStringConvertible {
        let reason: String
        var description: String { reason }
    }
}
