/// Reads terms of Erlang from text, without operators, functions and variables (Erlang reference manual, "Data Types").
struct ErlangReader {
    private var rest: Substring.UnicodeScalarView
    private var line = 1
    private var depth = 0

    private static let maximumDepth = 64

    init(_ text: String) { rest = text[...].unicodeScalars }

    /// True if only blanks and comments are left.
    var isAtEnd: Bool {
        mutating get throws(UsageError) {
            skipBlanks()
            return rest.isEmpty
        }
    }

    /// Reads the full stop that ends a term at the top.
    mutating func takeFullStop() throws(UsageError) {
        skipBlanks()
        guard take("."), rest.first.map({ $0.properties.isWhitespace || $0 == "%" }) ?? true else {
            throw failure("expected a full stop after the term")
        }
    }

    /// Reads one term.
    ///
    /// - Throws: `UsageError`, which names the line.
    mutating func term() throws(UsageError) -> ErlangValue {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else {
            throw failure("terms stand within terms by more than \(Self.maximumDepth) levels")
        }
        skipBlanks()
        if take("{") { return .tuple(try items(until: "}")) }
        if take("[") { return .list(try items(until: "]")) }
        if take("#{") { return .map(try fields()) }
        if take("<<") { return .binary(try octets()) }
        if take("$") { return .integer(Int64(try character(endedBy: nil)?.value ?? 0)) }
        if take("'") { return .atom(try quoted(by: "'")) }
        if rest.first == "\"" { return .string(try string()) }
        guard let first = rest.first else { throw failure("the term is not complete") }
        if first.properties.isLowercase {
            return .atom(take { $0 == "_" || $0 == "@" || $0.properties.isAlphabetic || $0.isDigit })
        }
        return try number()
    }

    // MARK: - Compounds

    private mutating func items(until end: String) throws(UsageError) -> [ErlangValue] {
        var items: [ErlangValue] = []
        skipBlanks()
        if take(end) { return [] }
        while true {
            items.append(try term())
            skipBlanks()
            if take(end) { return items }
            guard take(",") else { throw failure("expected ',' or '\(end)'") }
        }
    }

    private mutating func fields() throws(UsageError) -> [ErlangValue.Field] {
        var fields: [ErlangValue.Field] = []
        skipBlanks()
        if take("}") { return [] }
        while true {
            let key = try term()
            skipBlanks()
            guard take("=>") else { throw failure("expected '=>'") }
            fields.append(.init(key: key, value: try term()))
            skipBlanks()
            if take("}") { return fields }
            guard take(",") else { throw failure("expected ',' or '}'") }
        }
    }

    private mutating func octets() throws(UsageError) -> [UInt8] {
        var octets: [UInt8] = []
        skipBlanks()
        if take(">>") { return [] }
        while true {
            switch try term() {
            case .string(let text): octets += take("/utf8") ? Array(text.utf8) : text.unicodeScalars.map(Self.octet)
            case .integer(let value): octets.append(UInt8(truncatingIfNeeded: value))
            default: throw failure("expected a text or an octet")
            }
            skipBlanks()
            if take(">>") { return octets }
            guard take(",") else { throw failure("expected ',' or '>>'") }
        }
    }

    private static func octet(_ scalar: Unicode.Scalar) -> UInt8 { UInt8(truncatingIfNeeded: scalar.value) }

    // MARK: - Texts and numbers

    /// Adjacent string literals are one string.
    private mutating func string() throws(UsageError) -> String {
        var text = ""
        while take("\"") {
            text += try quoted(by: "\"")
            skipBlanks()
        }
        return text
    }

    private mutating func quoted(by end: Unicode.Scalar) throws(UsageError) -> String {
        var text = String.UnicodeScalarView()
        while let scalar = try character(endedBy: end) { text.append(scalar) }
        return String(text)
    }

    /// The next character of a text; `nil` at its end.
    private mutating func character(endedBy end: Unicode.Scalar?) throws(UsageError) -> Unicode.Scalar? {
        guard let first = rest.popFirst() else { throw failure("a text has no end") }
        if first == end { return nil }
        if first == "\n" { line += 1 }
        guard first == "\\" else { return first }
        guard let escaped = rest.popFirst() else { throw failure("a text has no end") }
        switch escaped {
        case "b": return "\u{8}"
        case "d": return "\u{7f}"
        case "e": return "\u{1b}"
        case "f": return "\u{c}"
        case "n": return "\n"
        case "r": return "\r"
        case "s": return " "
        case "t": return "\t"
        case "v": return "\u{b}"
        case "x":
            let digits = take("{") ? take { $0 != "}" } : String(String.UnicodeScalarView(rest.prefix(2)))
            if rest.first == "}" { rest.removeFirst() } else { rest.removeFirst(min(2, rest.count)) }
            guard let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
                throw failure("\\x\(digits) is no character")
            }
            return scalar
        case "0"..."7":
            var value = escaped.value - 48
            for _ in 0..<2 where rest.first.map({ ("0"..."7").contains($0) }) ?? false {
                value = value * 8 + ((rest.popFirst()?.value ?? 48) - 48)
            }
            return Unicode.Scalar(value)
        default: return escaped
        }
    }

    private mutating func number() throws(UsageError) -> ErlangValue {
        let sign = take("-") ? "-" : take("+") ? "+" : ""
        guard rest.first?.isDigit == true else {
            throw failure("expected a term, found '\(rest.first.map(String.init) ?? "the end")'")
        }
        let whole = digits { $0.isDigit }
        if take("#") {
            let text = digits { $0.isDigit || $0.properties.isAlphabetic }
            guard let radix = Int(whole), (2...36).contains(radix), let value = Int64(sign + text, radix: radix) else {
                throw failure("\(whole)#\(text) is no number of 64 bits")
            }
            return .integer(value)
        }
        // A full stop behind digits ends the term unless there are more.
        if rest.first == ".", rest.dropFirst().first?.isDigit == true {
            rest.removeFirst()
            var text = sign + whole + "." + digits { $0.isDigit }
            if take("e") || take("E") { text += "e" + (take("-") ? "-" : take("+") ? "" : "") + digits { $0.isDigit } }
            guard let value = Double(text) else { throw failure("\(text) is no number") }
            return .float(value)
        }
        guard let value = Int64(sign + whole) else { throw failure("\(sign)\(whole) is no number of 64 bits") }
        return .integer(value)
    }

    private mutating func digits(_ isDigit: (Unicode.Scalar) -> Bool) -> String {
        take { $0 == "_" || isDigit($0) }.filter { $0 != "_" }
    }

    // MARK: - Characters

    private mutating func skipBlanks() {
        while let first = rest.first {
            if first == "%" {
                rest = rest.drop { $0 != "\n" }
            } else if first.properties.isWhitespace {
                if first == "\n" { line += 1 }
                rest.removeFirst()
            } else {
                return
            }
        }
    }

    private mutating func take(_ word: String) -> Bool {
        guard rest.starts(with: word.unicodeScalars) else { return false }
        rest.removeFirst(word.unicodeScalars.count)
        return true
    }

    private mutating func take(while condition: (Unicode.Scalar) -> Bool) -> String {
        let taken = rest.prefix(while: condition)
        rest = rest[taken.endIndex...]
        return String(String.UnicodeScalarView(taken))
    }

    private func failure(_ text: String) -> UsageError { UsageError("line \(line): \(text)") }
}

extension Unicode.Scalar {
    fileprivate var isDigit: Bool { ("0"..."9").contains(self) }
}
