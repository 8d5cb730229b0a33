/// A parsed HOCON text, with its references resolved.
package struct HOCONDocument: Sendable {
    /// Returns the bytes of a file, or `nil` if the file does not exist; may stop after `limit + 1` bytes.
    package typealias FileReader = (_ path: String, _ limit: Int) throws -> [UInt8]?

    /// The root of the tree, always an object.
    package let root: HOCONValue
    /// Parts that the text asks for and that were left out, such as an included file that does not exist.
    package let notices: [HOCONError]

    /// - Parameters:
    ///   - bytes: the text, UTF-8.
    ///   - name: the path of the file, for messages; paths of included files are relative to its folder.
    ///   - environment: variables for references to keys that the text does not have.
    ///   - read: opens included files.
    package init(
        parsing bytes: [UInt8],
        named name: String,
        environment: [String: String] = [:],
        limits: HOCONLimits = HOCONLimits(),
        readingIncludes read: @escaping FileReader = { _, _ in nil }
    ) throws(HOCONError) {
        let start = Origin.file(name, line: 1, column: 1)
        var session = HOCONSession(limits: limits, read: read)
        try session.begin(HOCONSession.path(of: name, relativeTo: ""), bytes: bytes.count, at: start)
        var parser = try HOCONParser(bytes, source: .file(name), session: session)
        let object = try parser.parseFile()
        notices = parser.session.notices
        var resolver = HOCONResolver(root: object, environment: environment, limits: limits)
        root = try resolver.resolveRoot(origin: start)
    }

    /// Parses a text that includes no files.
    package init(parsing text: String, named name: String, environment: [String: String] = [:]) throws(HOCONError) {
        try self.init(parsing: Array(text.utf8), named: name, environment: environment)
    }

    /// The value of a text that stands outside of files, such as an environment variable's. A text that begins like an object, a
    /// list or a quoted string is parsed as HOCON; any other text is taken literally.
    package static func value(ofSetting text: String, origin: Origin) throws(HOCONError) -> HOCONValue {
        let trimmed = text.trimmed
        guard let first = trimmed.utf8.first,
            [UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\"")].contains(first)
        else {
            return HOCONValue(HOCONValue.content(ofUnquoted: trimmed), origin: origin)
        }
        let limits = HOCONLimits()
        if trimmed.utf8.count > limits.maximumBytes {
            throw HOCONError(origin: origin, message: "the value is larger than \(limits.maximumBytes) bytes")
        }
        let session = HOCONSession(limits: limits) { _, _ in nil }
        var parser = try HOCONParser(Array(trimmed.utf8), source: .single(origin), session: session)
        let value = try parser.parseSingleValue(path: ["value"])
        var resolver = HOCONResolver(root: PendingObject(fields: ["value": value]), environment: [:], limits: limits)
        return try resolver.resolveRoot(origin: origin).fields?["value"] ?? HOCONValue(.null, origin: origin)
    }

    /// The parts of a dotted key.
    package static func path(ofKey text: String, origin: Origin) throws(HOCONError) -> [String] {
        let session = HOCONSession(limits: HOCONLimits()) { _, _ in nil }
        var parser = try HOCONParser(Array(text.utf8), source: .single(origin), session: session)
        return try parser.parseSinglePath()
    }
}

extension String {
    /// The string without spaces, tabs and newlines at both ends.
    var trimmed: String {
        let isBlank = { (character: Character) in character == " " || character == "\t" || character.isNewline }
        let start = drop(while: isBlank)
        guard let last = start.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(start[...last])
    }
}
