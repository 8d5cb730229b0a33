extension UserRecord {
    /// Reads CSV (RFC 4180); the first line names the columns. Empty lines are skipped.
    static func csv(_ bytes: [UInt8], file: String, content: UserFile.Content) throws(UserFileError) -> [UserRecord] {
        var rows = CSVRows(bytes)
        guard let header = try rows.next(file: file) else {
            throw UserFileError(file: file, place: .line(1), message: "is empty; the first line names the columns")
        }
        let known = columns(for: content)
        let names = header.fields.map { $0.trimmingSpaces }
        for (index, name) in names.enumerated() where !known.contains(name) || names[..<index].contains(name) {
            throw UserFileError(
                file: file,
                place: .line(header.line),
                message: "the column \(name) is unknown or there twice; allowed: \(known.joined(separator: ", "))"
            )
        }
        var records: [UserRecord] = []
        while let row = try rows.next(file: file) {
            guard row.fields.count == names.count else {
                throw UserFileError(
                    file: file,
                    place: .line(row.line),
                    message: "has \(row.fields.count) fields, and the first line names \(names.count)"
                )
            }
            let values = Dictionary(zip(names, row.fields)) { first, _ in first }
            records.append(UserRecord(place: .line(row.line), values: values))
        }
        return records
    }
}

/// The rows of a CSV text.
private struct CSVRows {
    private let bytes: [UInt8]
    private var index = 0
    private var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    }

    /// The next row that is not empty, and the line it begins in.
    mutating func next(file: String) throws(UserFileError) -> (fields: [String], line: Int)? {
        skipEmptyLines()
        guard index < bytes.count else { return nil }
        let start = line
        var fields: [String] = []
        while true {
            fields.append(try field(file: file))
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

    private mutating func field(file: String) throws(UserFileError) -> String {
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

extension String {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
