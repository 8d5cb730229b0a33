import Crypto
import Foundation
import Secrets

/// The API keys of a file (`api_key.bootstrap_file`), a line `KEY:SECRET` or `KEY:SECRET:ROLE` for each.
struct BootstrapFile: Sendable {
    struct Key: Sendable {
        let key: String
        @Secret private(set) var secret: String
        let role: Role

        /// The name of its API key.
        var name: String {
            "from_bootstrap_file_" + RandomText.hexadecimal(SHA512.hash(data: Array(key.utf8))).prefix(16)
        }
    }

    /// In the order of the file; of lines with the same key the last one.
    let keys: [Key]

    /// - Throws: `AccountFailure`, which names the file and the line and not what it says.
    init(_ octets: some Collection<UInt8>, path: String, limits: AccountLimits) throws(AccountFailure) {
        var keys: [Key] = []
        for (index, line) in octets.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            func failure(_ reason: String) -> AccountFailure {
                AccountFailure("api_key.bootstrap_file: \(path):\(index + 1): \(reason)")
            }
            guard let text = String(validating: line, as: UTF8.self) else { throw failure("the line is no UTF-8") }
            let trimmed = text.trimmingCharacters(in: .whitespaces.union(CharacterSet(charactersIn: "\r\u{FEFF}")))
            if trimmed.isEmpty { continue }
            let fields = trimmed.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 2 || fields.count == 3, !fields[0].isEmpty, !fields[1].isEmpty else {
                throw failure("the line is not KEY:SECRET or KEY:SECRET:ROLE")
            }
            guard fields[0].utf8.count <= limits.maximumName else {
                throw failure("the key has more than \(limits.maximumName) octets")
            }
            guard fields[1].utf8.count <= limits.maximumBootstrapSecret else {
                throw failure("the secret has more than \(limits.maximumBootstrapSecret) octets")
            }
            guard let role = fields.count == 3 ? Role(rawValue: fields[2]) : .administrator else {
                throw failure("the role is not administrator, viewer or publisher")
            }
            keys.removeAll { $0.key == fields[0] }
            guard keys.count < limits.maximumBootstrapKeys else {
                throw failure("the file has more than \(limits.maximumBootstrapKeys) keys")
            }
            keys.append(Key(key: fields[0], secret: fields[1], role: role))
        }
        self.keys = keys
    }

    /// Reads a file; it waits for the disk.
    ///
    /// - Throws: `AccountFailure`.
    static func read(_ path: String, _ limits: AccountLimits) throws(AccountFailure) -> BootstrapFile {
        let octets: Data
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            octets = try file.read(upToCount: limits.maximumBootstrapOctets + 1) ?? Data()
        } catch {
            throw AccountFailure("api_key.bootstrap_file: cannot read \(path): \(error.localizedDescription)")
        }
        guard octets.count <= limits.maximumBootstrapOctets else {
            throw AccountFailure(
                "api_key.bootstrap_file: \(path) has more than \(limits.maximumBootstrapOctets) octets"
            )
        }
        return try BootstrapFile(octets, path: path, limits: limits)
    }
}
