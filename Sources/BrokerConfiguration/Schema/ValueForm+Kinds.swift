extension ValueForm<Bool> {
    package static var boolean: ValueForm {
        .text("true or false", read: boolean(of:), write: { $0 ? "true" : "false" })
    }

    static func boolean(of text: String) -> Bool? {
        switch text {
        case "true", "on", "yes": true
        case "false", "off", "no": false
        default: nil
        }
    }
}

extension ValueForm where Value: FixedWidthInteger {
    package static func integer(_ range: ClosedRange<Value>) -> ValueForm {
        .text(
            range.upperBound == .max
                ? "a whole number, at least \(range.lowerBound)"
                : "a whole number from \(range.lowerBound) to \(range.upperBound)",
            read: { Value($0).flatMap { range.contains($0) ? $0 : nil } },
            write: { "\($0)" }
        )
    }
}

extension ValueForm<Int> {
    /// Bytes, with a unit or without.
    package static func size(_ range: ClosedRange<Int>) -> ValueForm {
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

    /// Bytes, with a unit or without; `Int.max` for no limit, which is read of 0 and of `infinity`.
    /// - Parameter word: the one of the two that is written.
    package static func sizeOrNoLimit(writing word: String) -> ValueForm {
        ValueForm(
            "a size such as 512KB or 1MB, or a number of bytes, or 0 or infinity for no limit",
            read: { value in
                if value.text == "infinity" { return .max }
                return size(0...Int.max).read(value).map { $0 == 0 ? .max : $0 }
            },
            write: { $0 == .max ? word : size(0...Int.max).write($0) }
        )
    }
}

extension ValueForm<Double> {
    package static func real(_ range: ClosedRange<Double>) -> ValueForm {
        .text(
            "a number from \(range.lowerBound) to \(range.upperBound)",
            read: { Double($0).flatMap { range.contains($0) ? $0 : nil } },
            write: { "\($0)" }
        )
    }
}

extension ValueForm<Duration> {
    /// A time span, with units or as a number of milliseconds.
    package static func duration(_ range: ClosedRange<Duration>) -> ValueForm {
        .text(
            "a duration such as 15s, 100ms or 1h30m, or a number of milliseconds, from \(TimeSpan.text(range.lowerBound))"
                + " to \(TimeSpan.text(range.upperBound))",
            read: { TimeSpan.duration(of: $0).flatMap { range.contains($0) ? $0 : nil } },
            write: { HOCONText.quoted(TimeSpan.text($0)) }
        )
    }

    /// A time span whose key ends in `_ms`.
    package static func milliseconds(_ range: ClosedRange<Int>) -> ValueForm {
        let span = Duration.milliseconds(range.lowerBound)...Duration.milliseconds(range.upperBound)
        return .text(
            "whole milliseconds from \(range.lowerBound) to \(range.upperBound), or a duration such as 10s",
            read: { TimeSpan.duration(of: $0).flatMap { span.contains($0) ? $0 : nil } },
            write: { "\(TimeSpan.milliseconds($0))" }
        )
    }
}

extension ValueForm<String> {
    package static var string: ValueForm { .text("a text", read: { $0 }, write: HOCONText.quoted) }

    package static var path: ValueForm {
        .text(
            "the path of a file or folder",
            read: { $0.isEmpty || $0.utf8.contains(0) ? nil : $0 },
            write: HOCONText.quoted
        )
    }
}

extension ValueForm where Value: Equatable {
    /// One of several words. If a value has several words, the first is written.
    package static func choice(_ words: KeyValuePairs<String, Value>) -> ValueForm {
        .text(
            words.map(\.key).joined(separator: ", "),
            read: { text in words.first { $0.key == text }?.value },
            write: { value in words.first { $0.value == value }?.key ?? "" }
        )
    }

    /// Several of some words, each at most once: a list, or a text with commas or colons between the words.
    package static func list<Element: Equatable>(of words: KeyValuePairs<String, Element>) -> ValueForm
    where Value == [Element] {
        ValueForm(
            "a list of " + words.map(\.key).joined(separator: ", "),
            read: { value in
                guard let texts = value.texts else { return nil }
                let elements = texts.compactMap { text in words.first { $0.key == text }?.value }
                let areDistinct = elements.indices.allSatisfy { !elements[..<$0].contains(elements[$0]) }
                return !elements.isEmpty && elements.count == texts.count && areDistinct ? elements : nil
            },
            write: { elements in
                let texts = elements.compactMap { element in words.first { $0.value == element }?.key }
                return HOCONText.quoted(texts.joined(separator: ","))
            }
        )
    }
}

extension HOCONValue {
    /// The elements of a list of texts, or the parts of a text between commas or colons.
    var texts: [String]? {
        if let elements {
            let texts = elements.compactMap(\.text)
            return texts.count == elements.count ? texts : nil
        }
        return text?.split { $0 == "," || $0 == ":" }.map { String($0).trimmed }
    }
}
