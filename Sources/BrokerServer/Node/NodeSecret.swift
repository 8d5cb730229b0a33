import BrokerCluster
import Foundation
import QUICTransport

/// A secret that several nodes share, from a file (`node.secret_file`).
package enum NodeSecret {
    /// Octets.
    static let count = 32

    /// Reads 32 octets as they are, or as 64 hexadecimal digits with or without an end of line.
    ///
    /// - Parameter key: the configuration key that names the file, for errors.
    /// - Returns: the secret, and true if others than its owner may read the file.
    /// - Throws: `DataFolder.Failure`
    package static func read(_ path: String, key: String) throws -> (secret: [UInt8], isExposed: Bool) {
        let octets: [UInt8]
        do {
            octets = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw DataFolder.Failure(description: "\(key): cannot read \(path): \(SystemReason(error))")
        }
        guard let secret = octets.count == count ? octets : hexadecimal(octets) else {
            throw DataFolder.Failure(
                description:
                    "\(key): \(path) holds \(octets.count) octets; allowed: 32 octets, or 64 hexadecimal digits"
            )
        }
        return (secret, isExposed(path))
    }

    /// Reads the secrets of a cluster: one as above, or a line of 64 hexadecimal digits for each, the newest first.
    ///
    /// - Throws: `DataFolder.Failure`
    package static func readAll(_ path: String, key: String) throws -> [[UInt8]] {
        let octets: [UInt8]
        do {
            octets = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw DataFolder.Failure(description: "\(key): cannot read \(path): \(SystemReason(error))")
        }
        if octets.count == count { return [octets] }
        let lines = octets.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        let secrets = lines.compactMap { hexadecimal(Array($0)) }
        guard secrets.count == lines.count, (1...Heartbeat.maximumSecrets).contains(secrets.count) else {
            throw DataFolder.Failure(
                description:
                    "\(key): \(path) holds something else; allowed: 32 octets, or 1 to \(Heartbeat.maximumSecrets) lines of 64 hexadecimal digits"
            )
        }
        guard Set(secrets.map { KeyRing.codepoint(of: $0) }).count == secrets.count else {
            throw DataFolder.Failure(
                description:
                    "\(key): connection identifiers cannot tell two secrets of \(path) from each other, which is so by chance: make another instead of the newest"
            )
        }
        return secrets
    }

    /// True if others than its owner may read a file.
    package static func isExposed(_ path: String) -> Bool {
        // Kubernetes mounts secrets as links, and the mode of a link means nothing.
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let mode = try? FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        return (mode ?? 0) & 0o077 != 0
    }

    private static func hexadecimal(_ octets: [UInt8]) -> [UInt8]? {
        var digits = octets[...]
        while let last = digits.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { digits.removeLast() }
        guard digits.count == 2 * count else { return nil }
        var secret: [UInt8] = []
        while let first = digits.popFirst(), let second = digits.popFirst() {
            guard let high = Character(Unicode.Scalar(first)).hexDigitValue,
                let low = Character(Unicode.Scalar(second)).hexDigitValue
            else { return nil }
            secret.append(UInt8(high << 4 | low))
        }
        return secret
    }
}
