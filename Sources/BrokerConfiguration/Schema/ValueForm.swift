/// How one kind of value is written in a configuration.
package struct ValueForm<Value> {
    /// What is allowed, in words that end an error message and stand in the reference.
    package let allowed: String
    /// - Returns: nil when the text or value is not of this form.
    let read: (HOCONValue) -> Value?
    /// The value as HOCON text, which `read` understands; nil when there is nothing to write.
    let write: (Value) -> String?

    init(_ allowed: String, read: @escaping (HOCONValue) -> Value?, write: @escaping (Value) -> String?) {
        self.allowed = allowed
        self.read = read
        self.write = write
    }

    /// A form whose values are single texts.
    static func text(
        _ allowed: String,
        read: @escaping (String) -> Value?,
        write: @escaping (Value) -> String
    ) -> ValueForm {
        ValueForm(allowed, read: { $0.isNull ? nil : $0.text.flatMap(read) }, write: write)
    }

    /// Also the word `word`, which stands for nil.
    func or(_ word: String) -> ValueForm<Value?> {
        ValueForm<Value?>(
            "\(allowed), or \(word)",
            read: { value in
                if value.text == word { return .some(nil) }
                return read(value).map { .some($0) }
            },
            write: { value in value.map(write) ?? word }
        )
    }

    /// May be left out.
    var optional: ValueForm<Value?> {
        ValueForm<Value?>(allowed, read: { read($0).map { .some($0) } }, write: { $0.flatMap(write) })
    }
}

extension ValueForm<Bool> {
    static var boolean: ValueForm {
        .text(
            "true or false",
            read: { text in
                switch text {
                case "true", "on", "yes": true
                case "false", "off", "no": false
                default: nil
                }
            },
            write: { $0 ? "true" : "false" }
        )
    }
}

extension ValueForm<Int> {
    static func integer(_ range: ClosedRange<Int>) -> ValueForm {
        .text(
            range.upperBound == .max
                ? "a whole number, at least \(range.lowerBound)"
                : "a whole number from \(range.lowerBound) to \(range.upperBound)",
            read: { Int($0).flatMap { range.contains($0) ? $0 : nil } },
            write: { "\($0)" }
        )
    }

    /// Bytes, with a unit or without.
    static func size(_ range: ClosedRange<Int>) -> ValueForm {
        let bounds =
            range.upperBound == .max
            ? "at least \(ByteSize.text(range.lowerBound))"
            : "from \(ByteSize.text(range.lowerBound)) to \(ByteSize.text(range.upperBound))"
        return .text(
            "a size such as 512KB or 1MB, or a number of bytes, \(bounds)",
            read: { ByteSize.bytes(of: $0).flatMap { range.contains($0) ? $0 : nil } },
            write: { HOCONText.quoted(ByteSize.text($0)) }
        )
    }
}

extension ValueForm<Double> {
    static func real(_ range: ClosedRange<Double>) -> ValueForm {
        .text(
            "a number from \(range.lowerBound) to \(range.upperBound)",
            read: { Double($0).flatMap { range.contains($0) ? $0 : nil } },
            write: { "\($0)" }
        )
    }
}

extension ValueForm<Duration> {
    /// A time span, with units or as a number of milliseconds.
    static func duration(_ range: ClosedRange<Duration>) -> ValueForm {
        .text(
            "a duration such as 15s, 100ms or 1h30m, or a number of milliseconds, from \(TimeSpan.text(range.lowerBound))"
                + " to \(TimeSpan.text(range.upperBound))",
            read: { TimeSpan.duration(of: $0).flatMap { range.contains($0) ? $0 : nil } },
            write: { HOCONText.quoted(TimeSpan.text($0)) }
        )
    }

    /// A time span whose key ends in `_ms`.
    static func milliseconds(_ range: ClosedRange<Int>) -> ValueForm {
        .text(
            "whole milliseconds from \(range.lowerBound) to \(range.upperBound), or a duration such as 10s",
            read: { text in
                TimeSpan.duration(of: text).flatMap {
                    (Duration.milliseconds(range.lowerBound)...(.milliseconds(range.upperBound))).contains($0)
                        ? $0 : nil
                }
            },
            write: { "\(TimeSpan.milliseconds($0))" }
        )
    }
}

extension ValueForm<String> {
    static var string: ValueForm { .text("a text", read: { $0 }, write: HOCONText.quoted) }

    static var path: ValueForm {
        .text(
            "the path of a file or folder",
            read: { $0.isEmpty || $0.utf8.contains(0) ? nil : $0 },
            write: HOCONText.quoted
        )
    }
}

extension ValueForm {
    /// Some of the cases, each once, by their raw values: a list, or a text with commas between them.
    static func list<Element>() -> ValueForm
    where Value == [Element], Element: RawRepresentable & CaseIterable & Equatable, Element.RawValue == String {
        ValueForm(
            "a list of " + Element.allCases.map(\.rawValue).joined(separator: ", "),
            read: { value in
                let texts: [String?]
                if case .list(let elements) = value.content {
                    texts = elements.map(\.text)
                } else {
                    texts = value.text.map { $0.split(separator: ",").map { $0.trimmed } } ?? []
                }
                let elements = texts.compactMap { $0.flatMap { Element(rawValue: $0) } }
                let areDistinct = elements.indices.allSatisfy { !elements[..<$0].contains(elements[$0]) }
                return !elements.isEmpty && elements.count == texts.count && areDistinct ? elements : nil
            },
            write: { HOCONText.quoted($0.map(\.rawValue).joined(separator: ",")) }
        )
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

extension ValueForm where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the cases, by its raw value.
    static var choice: ValueForm {
        .text(
            Value.allCases.map(\.rawValue).joined(separator: ", "),
            read: { Value(rawValue: $0) },
            write: \.rawValue
        )
    }
}
