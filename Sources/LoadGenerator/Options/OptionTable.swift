import Secrets

/// A command line with the rules of emqtt_bench's parser (getopt), described by one table that also makes the help text.
///
/// The rules, which differ from those of common libraries: flags may take a value (`-C false`), integers may go without one and
/// then mean 1 (`-q`), short options take their value attached (`-c10`) or stand in a cluster, the first occurrence wins.
package struct OptionTable: Sendable {
    /// One option: its names, its default, and its line of the help text.
    package struct Option: Sendable {
        /// What the option takes.
        package enum Kind: Sendable, Equatable {
            case flag
            case integer
            /// Milliseconds, with decimals if wanted.
            case milliseconds
            case string
            /// `true`, `false` or a file; true when no such word follows.
            case quic
        }

        let name: String
        let short: Character?
        let kind: Kind
        let initial: String?
        let help: String
        let repeats: Bool
        /// Why a known option is not supported; `nil` for supported options.
        let missing: String?

        init(
            _ name: String,
            _ short: Character? = nil,
            _ kind: Kind,
            initial: String? = nil,
            repeats: Bool = false,
            missing: String? = nil,
            _ help: String
        ) {
            self.name = name
            self.short = short
            self.kind = kind
            self.initial = initial
            self.help = help
            self.repeats = repeats
            self.missing = missing
        }
    }

    let options: [Option]

    /// Values by option name, in the order of their appearance.
    package struct Values: Sendable, SecretValue {
        private var values: [String: [String]] = [:]

        mutating func add(_ value: String, to option: Option) {
            guard option.repeats || values[option.name] == nil else { return }
            values[option.name, default: []].append(value)
        }

        func has(_ name: String) -> Bool { values[name] != nil }
        func all(_ name: String) -> [String] { values[name] ?? [] }
        func string(_ name: String) -> String? { values[name]?.first }
        func integer(_ name: String) -> Int? { string(name).flatMap { Int($0) } }
        func decimal(_ name: String) -> Double? { string(name).flatMap { Double($0) } }
        func flag(_ name: String) -> Bool { string(name) == "true" }
    }

    /// - Throws: ``UsageError`` for an unknown option, a missing or wrong value, a stray word, or what this version lacks.
    package func parse(_ arguments: [String]) throws(UsageError) -> Values {
        var values = Values()
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word.hasPrefix("--"), word.count > 2 {
                try parseLong(word.dropFirst(2), &rest, &values)
            } else if word.hasPrefix("-"), word.count > 1 {
                try parseShort(word.dropFirst(), &rest, &values)
            } else {
                throw UsageError("unexpected word '\(word)'")
            }
        }
        for option in options where !values.has(option.name) {
            if let initial = option.initial { values.add(initial, to: option) }
        }
        return values
    }

    private func parseLong(
        _ word: Substring,
        _ rest: inout ArraySlice<String>,
        _ values: inout Values
    ) throws(UsageError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let spelled = String(parts[0])
        let name = Self.normal(spelled)
        guard let option = options.first(where: { Self.normal($0.name) == name }) else {
            throw UsageError("unknown option '--\(spelled)'")
        }
        if parts.count == 2 {
            values.add(try value(String(parts[1]), of: option), to: option)
        } else {
            values.add(try takeValue(of: option, &rest), to: option)
        }
    }

    private func parseShort(
        _ word: Substring,
        _ rest: inout ArraySlice<String>,
        _ values: inout Values
    ) throws(UsageError) {
        var cluster = word
        while let letter = cluster.popFirst() {
            guard let option = options.first(where: { $0.short == letter }) else {
                throw UsageError("unknown option '-\(letter)'")
            }
            if cluster.isEmpty {
                values.add(try takeValue(of: option, &rest), to: option)
            } else if let attached = Self.accepted(String(cluster), option.kind) {
                values.add(try value(attached, of: option), to: option)
                return
            } else if let implicit = Self.implicitValue(option.kind) {
                values.add(try value(implicit, of: option), to: option)
            } else {
                throw UsageError("bad value '\(cluster)' for -\(letter)")
            }
        }
    }

    private func takeValue(of option: Option, _ rest: inout ArraySlice<String>) throws(UsageError) -> String {
        if let next = rest.first, let accepted = Self.accepted(next, option.kind) {
            rest.removeFirst()
            return try value(accepted, of: option)
        }
        guard let implicit = Self.implicitValue(option.kind) else {
            throw UsageError("--\(option.name) needs a value")
        }
        return try value(implicit, of: option)
    }

    private func value(_ text: String, of option: Option) throws(UsageError) -> String {
        guard let accepted = Self.accepted(text, option.kind) else {
            throw UsageError("bad value '\(text)' for --\(option.name): \(Self.expectation(option.kind))")
        }
        if let missing = option.missing, accepted != "false" {
            throw UsageError("--\(option.name): \(missing) is not in this version")
        }
        return accepted
    }

    /// Both spellings of words are in use: `--interval_of_msg`, `--session-expiry`.
    private static func normal(_ name: String) -> String { String(name.map { $0 == "_" ? "-" : $0 }) }

    /// The value of a word, or `nil` if it is not a value of this kind.
    private static func accepted(_ word: String, _ kind: Option.Kind) -> String? {
        switch kind {
        case .flag:
            switch word.lowercased() {
            case "true", "t", "yes", "y", "on", "enabled", "1": "true"
            case "false", "f", "no", "n", "off", "disabled", "0": "false"
            default: nil
            }
        case .integer: Int(word) == nil ? nil : word
        case .milliseconds: Double(word).map { $0.isFinite } == true ? word : nil
        case .string: word
        case .quic: word.hasPrefix("-") ? nil : word
        }
    }

    private static func implicitValue(_ kind: Option.Kind) -> String? {
        switch kind {
        case .flag, .quic: "true"
        case .integer, .milliseconds: "1"
        case .string: nil
        }
    }

    private static func expectation(_ kind: Option.Kind) -> String {
        switch kind {
        case .flag: "true or false"
        case .integer: "a whole number"
        case .milliseconds: "a number of milliseconds"
        case .string: "a text"
        case .quic: "true, false or a file"
        }
    }
}

/// A mistake in the command line; the process ends with exit code 2.
package struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

extension OptionTable {
    /// The help text, one supported option a line.
    var help: String {
        let shown = options.filter { $0.missing == nil }
        let heads = shown.map { option in
            let short = option.short.map { "-\($0), " } ?? "    "
            let argument =
                switch option.kind {
                case .flag: ""
                case .integer: " N"
                case .milliseconds: " MS"
                case .string: " TEXT"
                case .quic: " [true|false|FILE]"
                }
            return "  \(short)--\(option.name)\(argument)"
        }
        let width = heads.map(\.count).max() ?? 0
        return zip(heads, shown).map { head, option in
            let padding = String(repeating: " ", count: width - head.count + 2)
            let initial = option.initial.map { $0.isEmpty ? "" : " [\($0)]" } ?? ""
            return "\(head)\(padding)\(option.help)\(initial)"
        }.joined(separator: "\n")
    }
}
