import Secrets

/// A value of a resolved HOCON document: a tree without references, each value with its place in a file.
package struct HOCONValue: Sendable {
    /// What the value is, by the kinds of JSON.
    package enum Content: Sendable, Equatable {
        case object([String: HOCONValue])
        case list([HOCONValue])
        case string(String)
        /// A JSON number, as it was written, because the reader decides on its meaning (`1.10` can be a version).
        case number(String)
        case boolean(Bool)
        case null
    }

    package var content: Content
    package var origin: Origin

    package init(_ content: Content, origin: Origin) {
        self.content = content
        self.origin = origin
    }
}

/// A value describes itself by its kind and its place, since it may be a secret, or hold one.
extension HOCONValue: SecretValue {
    package var description: String {
        let kind =
            switch content {
            case .object: "object"
            case .list: "list"
            case .string: "string"
            case .number: "number"
            case .boolean: "boolean"
            case .null: "null"
            }
        return "\(kind) of \(origin)"
    }
}

extension HOCONValue: Equatable {
    /// Compares contents, and not the places where they were written.
    package static func == (left: Self, right: Self) -> Bool { left.content == right.content }
}

extension HOCONValue {
    /// The text of a single value, as in a concatenation of strings; `nil` for objects and lists.
    package var text: String? {
        switch content {
        case .string(let text), .number(let text): text
        case .boolean(let value): value ? "true" : "false"
        case .null: "null"
        case .object, .list: nil
        }
    }

    package var fields: [String: HOCONValue]? {
        if case .object(let fields) = content { fields } else { nil }
    }

    package var isNull: Bool { content == .null }

    /// The value at `path`; `nil` if an object or a key is missing.
    package func value(at path: some Sequence<String>) -> HOCONValue? {
        var value = self
        for key in path {
            guard let next = value.fields?[key] else { return nil }
            value = next
        }
        return value
    }

    /// Merges `later` over this value: objects are merged key by key, an object of element numbers over a list element by element,
    /// and anything else is replaced.
    /// - Returns: how many fields of `later` were looked at, and elements of a list that became fields.
    @discardableResult
    package mutating func merge(_ later: HOCONValue) -> Int {
        if case .object(let laterFields) = later.content, Self.areElementNumbers(laterFields.keys),
            let elementFields
        {
            content = .object(elementFields)
            return elementFields.count + merge(later)
        }
        guard case .object(var fields) = content, case .object(let laterFields) = later.content else {
            self = later
            return 0
        }
        var count = laterFields.count
        // The dictionary has one owner from here on, so that it is changed in place and a long chain of merges stays linear.
        content = .null
        for (key, value) in laterFields {
            if let merged = fields[key]?.merge(value) { count += merged } else { fields[key] = value }
        }
        content = .object(fields)
        origin = later.origin
        return count
    }

    /// The content of an unquoted text: `true`, `false`, `null`, a number, or the text itself.
    package static func content(ofUnquoted text: String) -> Content {
        switch text {
        case "true": .boolean(true)
        case "false": .boolean(false)
        case "null": .null
        default: isNumber(text) ? .number(text) : .string(text)
        }
    }

    /// The number grammar of JSON (RFC 8259 §6), with leading zeros allowed.
    private static func isNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        func takeDigits() -> Bool {
            let digits = rest.prefix(while: isDigit)
            rest = rest.dropFirst(digits.count)
            return !digits.isEmpty
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        guard takeDigits() else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard takeDigits() else { return false }
        }
        if let exponent = rest.first, exponent | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard takeDigits() else { return false }
        }
        return rest.isEmpty
    }
}
