import Foundation
import Secrets

/// Reads users from CSV (RFC 4180), whose first line names the columns. Empty lines are skipped.
struct CSVRows: SecretValue {
    private let bytes: [UInt8]
    private let file: String
    private var columns: [String] = []
    private var index = 0
    private var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// - Throws: `UserFileError` if the first line is not a list of names out of `known`, each at most once.
    init(_ bytes: [UInt8], file: String, columns known: [String]) throws(UserFileError) {
        self.bytes = bytes
        self.file = file
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
        guard let header = try fields() else {
            throw UserFileError(file: file, place: .line(1), message: "is empty; the first line names the columns")
        }
        columns = header.fields.map { $0.trimmingCharacters(in: .whitespaces) }
        for (index, name) in columns.enumerated() where !known.contains(name) || columns[..<index].contains(name) {
            throw UserFileError(
                file: file,
                place: .line(header.line),
                // The number and not the name: if the line of names is missing, the text may be a password.
                message: "column \(index + 1) has a name that is unknown or that another column has; allowed: "
                    + known.joined(separator: ", ")
            )
        }
    }

    /// Reads the next user.
    ///
    /// - Returns: `nil` at the end of the file.
    mutating func next() throws(UserFileError) -> UserRecord? {
        guard let row = try fields() else { return nil }
        guard row.fields.count == columns.count else {
            throw UserFileError(
                file: file,
                place: .line(row.line),
                message: "has \(row.fields.count) fields, and the first line names \(columns.count)"
            )
        }
        return UserRecord(place: .line(row.line), values: Dictionary(zip(columns, row.fields)) { first, _ in first })
    }

    /// Reads the next row that is not empty.
    ///
    /// - Returns: the fields, and the line in which the row begins; `nil` at the end of the file.
    private mutating func fields() throws(UserFileError) -> (fields: [String], line: Int)? {
        skipEmptyLines()
        guard index < bytes.count else { return nil }
        let start = line
        var fields: [String] = []
        while true {
            fields.append(try field())
            guard index < bytes.count else { break }
            let separator = bytes[index]
            index += 1
            if separator == Self.comma { continue }
            if separator == Self.carriageReturn, index < bytes.count, bytes[index] == Self.newline { index += 1 }
            line += 1
            break
        }
        return (fields, start)
    }

    private mutating func skipEmptyLines() {
        while index < bytes.count, bytes[index] == Self.newline || bytes[index] == Self.carriageReturn {
            if bytes[index] == Self.newline { line += 1 }
            index += 1
        }
    }

    private mutating func field() throws(UserFileError) -> String {
        let start = line
        var content: [UInt8] = []
        if index < bytes.count, bytes[index] == Self.quote {
            index += 1
            while true {
                guard index < bytes.count else {
                    throw UserFileError(file: file, place: .line(start), message: "a quoted field is not closed")
                }
                let byte = bytes[index]
                index += 1
                if byte == Self.quote {
                    guard index < bytes.count, bytes[index] == Self.quote else { break }
                    index += 1
                }
                if byte == Self.newline { line += 1 }
                content.append(byte)
            }
            guard index >= bytes.count || isEnd(bytes[index]) else {
                throw UserFileError(file: file, place: .line(line), message: "a quoted field is followed by other text")
            }
        } else {
            while index < bytes.count, !isEnd(bytes[index]) {
                content.append(bytes[index])
                index += 1
            }
        }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw UserFileError(file: file, place: .line(start), message: "is not UTF-8")
        }
        return text
    }

    private func isEnd(_ byte: UInt8) -> Bool {
        byte == Self.comma || byte == Self.newline
            || (byte == Self.carriageReturn && (index + 1 == bytes.count || bytes[index + 1] == Self.newline))
    }
}
