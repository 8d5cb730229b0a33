/// Reads a HOCON text character by character for the parser: a position in the bytes of the text, with its line and column.
struct HOCONScanner {
    /// The source of the text: a file, or a single place such as an environment variable.
    enum Source: Hashable {
        case file(String)
        case single(Origin)
    }

    let source: Source
    private let bytes: [UInt8]
    private var index = 0
    private var line = 1
    private var column = 1

    /// - Throws: if `bytes` are not UTF-8, with the place of the first wrong byte.
    init(_ bytes: [UInt8], source: Source) throws(HOCONError) {
        self.source = source
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
        if String(validating: bytes, as: UTF8.self) == nil {
            skipValidText()
            throw HOCONError(origin: origin, message: "the text is not UTF-8")
        }
    }

    var origin: Origin {
        switch source {
        case .file(let name): .file(name, line: line, column: column)
        case .single(let origin): origin
        }
    }

    var isAtEnd: Bool { index >= bytes.count }

    func peek(_ offset: Int = 0) -> UInt8? {
        index + offset < bytes.count ? bytes[index + offset] : nil
    }

    func starts(with text: StaticString) -> Bool {
        guard index + text.utf8CodeUnitCount <= bytes.count else { return false }
        return text.withUTF8Buffer { $0.elementsEqual(bytes[index..<index + $0.count]) }
    }

    mutating func advance() {
        guard index < bytes.count else { return }
        if bytes[index] == UInt8(ascii: "\n") {
            line += 1
            column = 1
        } else if bytes[index] & 0b1100_0000 != 0b1000_0000 {
            // Only the first byte of a scalar counts as a column.
            column += 1
        }
        index += 1
    }

    mutating func advance(by count: Int) {
        for _ in 0..<count { advance() }
    }

    /// Moves past `text`, if the rest begins with `text`.
    mutating func take(_ text: StaticString) -> Bool {
        guard starts(with: text) else { return false }
        advance(by: text.utf8CodeUnitCount)
        return true
    }

    /// Moves past all bytes that fulfil `condition`, and returns them.
    mutating func take(while condition: (UInt8) -> Bool) -> String {
        let start = index
        while let byte = peek(), condition(byte) { advance() }
        return text(from: start)
    }

    /// The text from `start`, a position that `mark` returned, to the current position.
    func text(from start: Int) -> String { String(decoding: bytes[start..<index], as: UTF8.self) }

    var mark: Int { index }

    /// The length in bytes of a white space character, other than newline, at the current position; `nil` for any other character.
    var whitespaceLength: Int? {
        switch peek() {
        case 0x20, 0x09, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x1F: 1
        case 0xC2 where peek(1) == 0xA0: 2  // no-break space
        case 0xE1 where peek(1) == 0x9A && peek(2) == 0x80: 3  // ogham space
        case 0xE2
        where peek(1) == 0x80 && ((0x80...0x8A).contains(peek(2) ?? 0) || [0xA8, 0xA9, 0xAF].contains(peek(2))): 3
        case 0xE2 where peek(1) == 0x81 && peek(2) == 0x9F: 3  // mathematical space
        case 0xE3 where peek(1) == 0x80 && peek(2) == 0x80: 3  // ideographic space
        case 0xEF where peek(1) == 0xBB && peek(2) == 0xBF: 3  // byte order mark
        default: nil
        }
    }

    var isAtComment: Bool { peek() == UInt8(ascii: "#") || starts(with: "//") }

    /// Moves past white space within the line, and returns it.
    mutating func takeBlanks() -> String {
        let start = index
        while let length = whitespaceLength { advance(by: length) }
        return text(from: start)
    }

    /// Moves past white space, newlines and comments.
    /// - Returns: whether there was a newline.
    @discardableResult
    mutating func skipBlankLines() -> Bool {
        var sawNewline = false
        while let byte = peek() {
            if byte == UInt8(ascii: "\n") {
                sawNewline = true
                advance()
            } else if let length = whitespaceLength {
                advance(by: length)
            } else if isAtComment {
                while let byte = peek(), byte != UInt8(ascii: "\n") { advance() }
            } else {
                break
            }
        }
        return sawNewline
    }

    /// The character at the current position, for an error message.
    var found: String {
        guard let byte = peek() else { return "the end" }
        if byte == UInt8(ascii: "\n") { return "the end of the line" }
        let scalar = String(decoding: bytes[index..<min(index + 4, bytes.count)], as: UTF8.self).unicodeScalars.first
        guard let scalar, !scalar.properties.isWhitespace, scalar.value >= 0x20 else {
            return "a character of code \(byte)"
        }
        return "'\(scalar)'"
    }

    private mutating func skipValidText() {
        var decoder = UTF8()
        var rest = bytes[index...].makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&rest) {
            advance(by: UTF8.width(scalar))
        }
    }
}
