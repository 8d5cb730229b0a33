extension HOCONScanner {
    /// Parses a JSON string (RFC 8259 §7).
    mutating func parseQuotedString() throws(HOCONError) -> String {
        let opening = origin
        advance()
        var result = ""
        while true {
            result += take { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 0x20 }
            guard let byte = peek() else {
                throw HOCONError(origin: opening, message: "this string has no closing '\"'")
            }
            switch byte {
            case UInt8(ascii: "\""):
                advance()
                return result
            case UInt8(ascii: "\\"):
                advance()
                result.unicodeScalars.append(try parseEscape())
            case UInt8(ascii: "\n"):
                throw HOCONError(
                    origin: opening,
                    message: "this string has no closing '\"' on its line; use \"\"\"…\"\"\" for several lines"
                )
            default:
                throw HOCONError(
                    origin: origin,
                    message:
                        "a control character (code \(byte)) in a string; write it as an escape such as \\t or \\u001f"
                )
            }
        }
    }

    private mutating func parseEscape() throws(HOCONError) -> Unicode.Scalar {
        let place = origin
        guard let byte = peek() else { throw HOCONError(origin: place, message: "an escape without its character") }
        advance()
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            if let scalar = parseCodePoint() { return scalar }
            throw HOCONError(
                origin: place,
                message: "\\u needs four hexadecimal digits, and a character beyond U+FFFF a pair of surrogates"
            )
        default:
            throw HOCONError(
                origin: place,
                message: "unknown escape; allowed: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"
            )
        }
    }

    private mutating func parseCodePoint() -> Unicode.Scalar? {
        guard let first = takeFourHexDigits() else { return nil }
        guard (0xD800...0xDBFF).contains(first) else { return Unicode.Scalar(first) }
        guard take("\\u"), let second = takeFourHexDigits(), (0xDC00...0xDFFF).contains(second) else { return nil }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    }

    private mutating func takeFourHexDigits() -> UInt32? {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
            advance()
        }
        return value
    }

    /// Parses a string between `"""`, of several lines and without escapes.
    mutating func parseTripleQuotedString() throws(HOCONError) -> String {
        let opening = origin
        advance(by: 3)
        let isIndented = take("~\r\n") || take("~\n")
        let start = mark
        while !starts(with: "\"\"\"") {
            if isAtEnd { throw HOCONError(origin: opening, message: "this string has no closing '\"\"\"'") }
            advance()
        }
        // Of more than three quotes, the last three close the string, and the others are part of the string.
        while peek(3) == UInt8(ascii: "\"") { advance() }
        let text = self.text(from: start)
        advance(by: 3)
        return isIndented ? HOCONScanner.withoutIndentation(text) : text
    }

    /// Removes the indentation of EMQX's `"""~` string: the least one of all lines that are not blank, and a `~` before the closing
    /// quotes.
    private static func withoutIndentation(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // The line of the closing quotes, if it has nothing else.
        if lines.last?.allSatisfy({ $0 == " " }) == true {
            lines[lines.count - 1] = ""
        } else if lines.last?.last == "~" {
            lines[lines.count - 1] = lines[lines.count - 1].dropLast()
            if lines.last?.allSatisfy({ $0 == " " }) == true { lines[lines.count - 1] = "" }
        }
        let indentation =
            lines.filter { line in !line.allSatisfy { $0 == " " || $0 == "\r" } }
            .map { line in line.prefix { $0 == " " }.count }.min() ?? 0
        return lines.map { line in line.dropFirst(min(indentation, line.prefix { $0 == " " }.count)) }.joined(
            separator: "\n"
        )
    }
}
