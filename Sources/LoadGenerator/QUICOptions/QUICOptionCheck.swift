import FoundationEssentials

/// Takes values out of a property list. Keeps the first value that is not allowed, and the keys that were not taken.
struct QUICOptionCheck {
    private let file: String
    private let values: [String: ErlangValue]
    private(set) var unread: Set<String>
    private(set) var error: UsageError?

    init(file: String, _ values: [String: ErlangValue]) {
        self.file = file
        self.values = values
        unread = Set(values.keys)
    }

    mutating func fail(_ text: String) { error = error ?? UsageError("--quic \(file): \(text)") }

    private mutating func value<Result>(
        _ name: String,
        _ allowed: String,
        _ read: (ErlangValue) -> Result?
    ) -> Result? {
        guard let value = values[name] else { return nil }
        unread.remove(name)
        guard let result = read(value) else {
            let shown = name == "password" ? "(hidden)" : value.text
            fail("bad value \(shown) for \(name): \(allowed)")
            return nil
        }
        return result
    }

    mutating func integer(_ name: String) -> Int? {
        value(name, "a whole number up to 4294967295") {
            if case .integer(let number) = $0, (0...Int64(UInt32.max)).contains(number) { Int(number) } else { nil }
        }
    }

    mutating func milliseconds(_ name: String) -> Duration? { integer(name).map { .milliseconds($0) } }

    mutating func flag(_ name: String) -> Bool? {
        choice(name, ["0", "false", "1", "true"]).map { $0 == "1" || $0 == "true" }
    }

    mutating func choice(_ name: String, _ choices: [String]) -> String? {
        value(name, choices.joined(separator: " or ")) { choices.contains($0.text) ? $0.text : nil }
    }

    mutating func text(_ name: String) -> String? { value(name, "a text", Self.text) }

    mutating func texts(_ name: String) -> [String]? {
        value(name, "a list of texts, one at least") {
            guard case .list(let items) = $0, !items.isEmpty else { return nil }
            let texts = items.compactMap(Self.text)
            return texts.count == items.count ? texts : nil
        }
    }

    /// What a file holds.
    mutating func file(_ name: String) -> [UInt8]? {
        guard let path = text(name) else { return nil }
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            fail("\(name): cannot read \(path)")
            return nil
        }
        return Array(data)
    }

    private static func text(_ value: ErlangValue) -> String? {
        switch value {
        case .string(let text): text
        case .binary(let octets): String(validating: octets, as: UTF8.self)
        default: nil
        }
    }
}
