/// Parses one HOCON text into a tree with unresolved references, which `HOCONResolver` replaces.
///
/// The language is that of Lightbend's HOCON.md with three differences, all of them EMQX's: `@` may stand in an
/// unquoted string, a key may not contain white space, and a string in triple quotes that begins with `~` and a newline
/// loses its indentation.
struct HOCONParser {
    private var scanner: HOCONScanner
    var session: HOCONSession
    /// The path that this text was included at; its keys are added below the path.
    private let includedAt: [String]

    init(_ bytes: [UInt8], source: HOCONScanner.Source, session: HOCONSession, includedAt: [String] = [])
        throws(HOCONError)
    {
        self.scanner = try HOCONScanner(bytes, source: source)
        self.session = session
        self.includedAt = includedAt
    }

    /// Parses a whole file: an object, with or without braces.
    mutating func parseFile() throws(HOCONError) -> PendingObject {
        scanner.skipBlankLines()
        let object: PendingObject
        if scanner.peek() == UInt8(ascii: "{") {
            object = try parseObject(path: includedAt, depth: includedAt.count)
            scanner.skipBlankLines()
            if !scanner.isAtEnd { throw failure("unexpected \(scanner.found) after the closing '}'") }
        } else if scanner.peek() == UInt8(ascii: "[") {
            throw failure("the file is a list; a configuration is an object of keys and values")
        } else {
            object = try parseFields(path: includedAt, depth: includedAt.count, isBraced: false)
        }
        return object
    }

    /// Parses a text that is a single value.
    mutating func parseSingleValue(path: [String]) throws(HOCONError) -> PendingStack {
        scanner.skipBlankLines()
        let value = try parseValue(path: path, depth: path.count)
        scanner.skipBlankLines()
        if !scanner.isAtEnd { throw failure("unexpected \(scanner.found) after the value") }
        return value
    }

    /// Parses a text that is a dotted path.
    mutating func parseSinglePath() throws(HOCONError) -> [String] {
        let path = try parsePath()
        if !scanner.isAtEnd { throw failure("unexpected \(scanner.found) in the key") }
        return path
    }

    // MARK: Objects

    private mutating func parseObject(path: [String], depth: Int) throws(HOCONError) -> PendingObject {
        let opening = scanner.origin
        scanner.advance()
        let object = try parseFields(path: path, depth: depth, isBraced: true)
        guard scanner.take("}") else { throw HOCONError(origin: opening, message: "this '{' has no closing '}'") }
        return object
    }

    private mutating func parseFields(path: [String], depth: Int, isBraced: Bool) throws(HOCONError) -> PendingObject {
        var object = PendingObject()
        scanner.skipBlankLines()
        while let byte = scanner.peek() {
            if byte == UInt8(ascii: "}") {
                if isBraced { break }
                throw failure("this '}' has no opening '{'")
            }
            try parseField(into: &object, path: path, depth: depth)
            try parseSeparator(closing: UInt8(ascii: "}"), within: "object")
        }
        return object
    }

    private mutating func parseField(into object: inout PendingObject, path: [String], depth: Int) throws(HOCONError) {
        let origin = scanner.origin
        if try takeIncludeKeyword() {
            let included = try parseInclude(path: path, depth: depth, origin: origin)
            object.merge(included)
            return
        }
        let key = try parsePath()
        try check(depth: depth + key.count, at: origin)
        _ = scanner.takeBlanks()

        let fullPath = path + key
        let valueDepth = depth + key.count
        var value: PendingStack
        if scanner.take("+=") {
            scanner.skipBlankLines()
            value = appending(try parseValue(path: fullPath, depth: valueDepth + 1), to: fullPath, origin: origin)
        } else if scanner.take("=") || scanner.take(":") {
            scanner.skipBlankLines()
            value = try parseValue(path: fullPath, depth: valueDepth)
        } else if scanner.peek() == UInt8(ascii: "{") {
            value = try parseValue(path: fullPath, depth: valueDepth)
        } else {
            throw failure(
                "expected '=', ':', '+=' or '{' after the key \(HOCONText.path(key)), found \(scanner.found)"
            )
        }
        // Messages name the place of the key, where a reader looks for a value.
        for index in value.items.indices { value.items[index].origin = origin }
        object.add(value, at: key[...], origin: origin)
    }

    /// `a += b` is `a = ${?a} [b]`.
    private func appending(_ element: PendingStack, to path: [String], origin: Origin) -> PendingStack {
        let itself = HOCONReference(path: path, isOptional: true, includedAt: [])
        let pieces: [PendingValue.Piece] = [
            .value(PendingValue(content: .reference(itself), origin: origin)),
            .value(PendingValue(content: .list([element]), origin: origin)),
        ]
        return PendingStack(items: [PendingValue(content: .concatenation(pieces), origin: origin)])
    }

    /// Parses what separates two fields or elements: a newline, one comma, or both.
    private mutating func parseSeparator(closing: UInt8, within container: String) throws(HOCONError) {
        let sawNewline = scanner.skipBlankLines()
        guard let byte = scanner.peek(), byte != closing else { return }
        if scanner.take(",") {
            scanner.skipBlankLines()
            if scanner.peek() == UInt8(ascii: ",") { throw failure("two commas in a row in this \(container)") }
        } else if !sawNewline {
            throw failure(
                "unexpected \(scanner.found); quote the value if it is part of it, or put a comma or a newline before it"
            )
        }
    }

    // MARK: Keys

    /// Parses a dotted path, parts of which may be quoted.
    private mutating func parsePath() throws(HOCONError) -> [String] {
        var path: [String] = []
        while true {
            var part = ""
            var isQuoted = false
            while let byte = scanner.peek(), byte != UInt8(ascii: ".") {
                if byte == UInt8(ascii: "\"") {
                    part += try scanner.parseQuotedString()
                    isQuoted = true
                } else {
                    let plain = takeUnquoted { $0 != UInt8(ascii: ".") }
                    if plain.isEmpty { break }
                    part += plain
                }
            }
            if part.isEmpty && !isQuoted {
                throw failure(
                    path.isEmpty && scanner.peek() != UInt8(ascii: ".")
                        ? "expected a key, found \(scanner.found)"
                        : "a key has an empty part; write \"\" for a part that is really empty"
                )
            }
            path.append(part)
            guard scanner.take(".") else { return path }
            try check(depth: path.count, at: scanner.origin)
        }
    }

    // MARK: Values

    /// Parses one value, or several that are concatenated, up to the end of the line.
    private mutating func parseValue(path: [String], depth: Int) throws(HOCONError) -> PendingStack {
        try check(depth: depth, at: scanner.origin)
        let origin = scanner.origin
        var pieces: [PendingValue.Piece] = []
        while true {
            let blank = scanner.takeBlanks()
            guard let value = try parsePiece(path: path, depth: depth) else { break }
            if !pieces.isEmpty && !blank.isEmpty { pieces.append(.blank(blank)) }
            pieces.append(.value(value))
        }
        if pieces.isEmpty { throw failure("expected a value, found \(scanner.found)") }
        return joined(pieces, origin: origin)
    }

    private mutating func parsePiece(path: [String], depth: Int) throws(HOCONError) -> PendingValue? {
        let origin = scanner.origin
        guard let byte = scanner.peek(), !scanner.isAtComment else { return nil }
        let content: PendingValue.Content
        switch byte {
        case UInt8(ascii: "{"):
            content = .object(try parseObject(path: path, depth: depth + 1))
        case UInt8(ascii: "["):
            content = .list(try parseList(path: path, depth: depth + 1))
        case UInt8(ascii: "\""):
            content = .scalar(
                .string(
                    try scanner.starts(with: "\"\"\"") ? scanner.parseTripleQuotedString() : scanner.parseQuotedString()
                )
            )
        case UInt8(ascii: "$"):
            content = .reference(try parseReference())
        case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: "\n"):
            return nil
        default:
            let text = takeUnquoted { _ in true }
            if text.isEmpty {
                throw failure("\(scanner.found) may not stand in an unquoted value; put the value in double quotes")
            }
            content = .scalar(HOCONValue.content(ofUnquoted: text))
        }
        return PendingValue(content: content, origin: origin)
    }

    private mutating func parseList(path: [String], depth: Int) throws(HOCONError) -> [PendingStack] {
        try check(depth: depth, at: scanner.origin)
        let opening = scanner.origin
        scanner.advance()
        var elements: [PendingStack] = []
        scanner.skipBlankLines()
        while let byte = scanner.peek(), byte != UInt8(ascii: "]") {
            elements.append(try parseValue(path: path + ["\(elements.count)"], depth: depth))
            try parseSeparator(closing: UInt8(ascii: "]"), within: "list")
        }
        guard scanner.take("]") else { throw HOCONError(origin: opening, message: "this '[' has no closing ']'") }
        return elements
    }

    /// One value of several pieces. Pieces without references are concatenated at once.
    private func joined(_ pieces: [PendingValue.Piece], origin: Origin) -> PendingStack {
        if pieces.count == 1, case .value(let only) = pieces[0] { return PendingStack(items: [only]) }
        var text = ""
        var values: [PendingValue] = []
        var isText = true
        var hasObject = false
        var canMerge = true
        for piece in pieces {
            switch piece {
            case .blank(let blank):
                text += blank
            case .value(let value):
                values.append(value)
                switch value.content {
                case .scalar(let content):
                    text += HOCONValue(content, origin: origin).text ?? ""
                    canMerge = false
                case .object:
                    hasObject = true
                    isText = false
                case .reference:
                    isText = false
                default:
                    isText = false
                    canMerge = false
                }
            }
        }
        if isText { return PendingStack(items: [PendingValue(content: .scalar(.string(text)), origin: origin)]) }
        // `${base} { … }`: layers of one object; a layer may refer to values of the layers below it.
        if hasObject && canMerge { return PendingStack(items: values) }
        return PendingStack(items: [PendingValue(content: .concatenation(pieces), origin: origin)])
    }

    // MARK: Strings and references

    private mutating func takeUnquoted(while condition: (UInt8) -> Bool) -> String {
        let start = scanner.mark
        var isNumber: Bool?
        var previous: UInt8 = 0
        while let byte = scanner.peek(), condition(byte), scanner.whitespaceLength == nil, !scanner.isAtComment {
            let first =
                isNumber ?? (byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte))
            isNumber = first
            // An unquoted '+' is allowed only in the exponent of a number.
            let isExponentSign = first && byte == UInt8(ascii: "+") && previous | 0x20 == UInt8(ascii: "e")
            if HOCONParser.isForbidden(byte) && !isExponentSign { break }
            previous = byte
            scanner.advance()
        }
        return scanner.text(from: start)
    }

    private static func isForbidden(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "$"), UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["),
            UInt8(ascii: "]"), UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: ","), UInt8(ascii: "+"),
            UInt8(ascii: "#"), UInt8(ascii: "`"), UInt8(ascii: "^"), UInt8(ascii: "?"), UInt8(ascii: "!"),
            UInt8(ascii: "*"), UInt8(ascii: "&"), UInt8(ascii: "\\"), UInt8(ascii: "\n"):
            true
        default: byte < 0x20 || byte == 0x7F
        }
    }

    private mutating func parseReference() throws(HOCONError) -> HOCONReference {
        guard scanner.take("${") else {
            throw failure(
                "'$' begins a reference such as ${node.name}; put the value in double quotes if it is meant as a character"
            )
        }
        let isOptional = scanner.take("?")
        _ = scanner.takeBlanks()
        let path = try parsePath()
        _ = scanner.takeBlanks()
        guard scanner.take("}") else {
            throw failure("expected '}' at the end of the reference, found \(scanner.found)")
        }
        return HOCONReference(path: path, isOptional: isOptional, includedAt: includedAt)
    }

    // MARK: Includes

    /// `include` is a keyword only where a file or one of its qualifiers follows, so that it can be a key as well.
    private mutating func takeIncludeKeyword() throws(HOCONError) -> Bool {
        guard scanner.starts(with: "include") else { return false }
        var ahead = scanner
        ahead.advance(by: 7)
        let blank = ahead.takeBlanks()
        let followed =
            ahead.peek() == UInt8(ascii: "\"") || ahead.starts(with: "required(") || ahead.starts(with: "file(")
            || ahead.starts(with: "url(") || ahead.starts(with: "classpath(") || ahead.starts(with: "package(")
        guard followed, !blank.isEmpty || ahead.peek() == UInt8(ascii: "\"") else { return false }
        scanner = ahead
        return true
    }

    private mutating func parseInclude(path: [String], depth: Int, origin: Origin) throws(HOCONError) -> PendingObject {
        let isRequired = scanner.take("required(")
        if isRequired { _ = scanner.takeBlanks() }
        let isQualified = scanner.take("file(")
        if isQualified { _ = scanner.takeBlanks() }
        guard scanner.peek() == UInt8(ascii: "\"") else {
            throw failure(
                "only files can be included; allowed: include \"NAME\", include file(\"NAME\"), include required(\"NAME\")"
            )
        }
        let name = try scanner.parseQuotedString()
        for _ in 0..<((isRequired ? 1 : 0) + (isQualified ? 1 : 0)) {
            _ = scanner.takeBlanks()
            guard scanner.take(")") else {
                throw failure("expected ')' after the name of the file, found \(scanner.found)")
            }
        }
        guard let file = try session.open(include: name, isRequired: isRequired, from: scanner.source, at: origin)
        else {
            return PendingObject()
        }
        var parser = try HOCONParser(file.bytes, source: .file(file.name), session: session, includedAt: path)
        let object = try parser.parseFile()
        session = parser.session
        session.close()
        return object
    }

    // MARK: Failures

    private func check(depth: Int, at origin: Origin) throws(HOCONError) {
        if depth > session.limits.maximumDepth {
            throw HOCONError(
                origin: origin,
                message: "objects, lists and dotted keys nest deeper than \(session.limits.maximumDepth) levels"
            )
        }
    }

    private func failure(_ message: String) -> HOCONError { HOCONError(origin: scanner.origin, message: message) }
}
