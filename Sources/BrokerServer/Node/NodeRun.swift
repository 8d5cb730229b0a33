import Foundation
import NIOConcurrencyHelpers

/// One run of a node: its number, and the lock on the data folder.
///
/// Every QUIC connection identifier holds the number of its run, so that a packet of an earlier run is recognized.
package final class NodeRun: Sendable {
    /// The number of this start, 1 and up. No two runs of a folder have the same number.
    package let number: UInt64
    private let lock: CInt
    private let folder: DataFolder
    /// The number that is on disk.
    private let highest: NIOLockedValueBox<UInt64>

    /// Modulo 2^16, as identifiers have it.
    package var incarnation: UInt16 { UInt16(truncatingIfNeeded: number) }

    private static let lockName = "lock"
    private static let numberName = "incarnation"

    init(folder: DataFolder) throws {
        lock = try NodeRun.take(folder)
        do {
            let number = try NodeRun.last(in: folder) + 1
            // Before any socket opens, so that no number is used that is not on disk.
            try folder.write(Array("\(number)\n".utf8), to: NodeRun.numberName)
            self.number = number
            self.folder = folder
            highest = NIOLockedValueBox(number)
        } catch {
            close(lock)
            throw error
        }
    }

    deinit { close(lock) }

    /// Takes a higher number of runs, which is on disk when this returns: the cluster knows of later runs of this node, or this process
    /// begins another run. Blocks.
    ///
    /// - Throws: `DataFolder.Failure`.
    package func raise(to number: UInt64) throws {
        try highest.withLockedValue { highest in
            guard number > highest else { return }
            try folder.write(Array("\(number)\n".utf8), to: NodeRun.numberName)
            highest = number
        }
    }

    /// What the data folder keeps for the node's membership of a cluster.
    ///
    /// - Throws: `DataFolder.Failure`.
    package func membershipFile() throws -> MembershipFile { try MembershipFile(folder, self) }

    /// Locks the folder: two runs with one number would reset each other's connections.
    private static func take(_ folder: DataFolder) throws -> CInt {
        let path = folder.file(lockName)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw DataFolder.Failure(
                description: "node.data_dir: cannot open \(path): \(String(cString: strerror(errno)))"
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = errno
            close(descriptor)
            throw DataFolder.Failure(
                description: error == EWOULDBLOCK
                    ? "node.data_dir: \(folder.path) is another running broker's; give each its own folder"
                    : "node.data_dir: cannot lock \(path): \(String(cString: strerror(error)))"
            )
        }
        return descriptor
    }

    private static func last(in folder: DataFolder) throws -> UInt64 {
        let path = folder.file(numberName)
        guard FileManager.default.fileExists(atPath: path) else { return 0 }
        let text = String(decoding: try folder.read(numberName), as: UTF8.self)
        guard text.hasSuffix("\n"), let number = UInt64(text.dropLast()), number < .max else {
            throw DataFolder.Failure(
                description:
                    "node.data_dir: \(path) does not hold the number of the last run; restore it, or delete it, and clients of "
                    + "earlier runs learn late that their connections are gone"
            )
        }
        return number
    }
}
