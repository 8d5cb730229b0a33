/// Sizes in bytes as EMQX and HOCON write them.
enum ByteSize {
    private static let units: [(name: String, factor: Int)] = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)]

    /// - Returns: the number of bytes of a text such as `4096`, `512KB` or `1.5MiB`; `nil` for any other text. KB and KiB are both
    ///   1024, as in EMQX.
    static func bytes(of text: String) -> Int? {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let factor: Int
        switch text.dropFirst(number.count).drop(while: { $0 == " " }).lowercased() {
        case "", "b": factor = 1
        case "k", "kb", "kib": factor = 1 << 10
        case "m", "mb", "mib": factor = 1 << 20
        case "g", "gb", "gib": factor = 1 << 30
        case "t", "tb", "tib": factor = 1 << 40
        default: return nil
        }
        if let whole = Int(number) {
            let (bytes, overflow) = whole.multipliedReportingOverflow(by: factor)
            return overflow ? nil : bytes
        }
        guard factor > 1, let fraction = Double(number) else { return nil }
        return Int(exactly: (fraction * Double(factor)).rounded())
    }

    /// `bytes` in the largest unit that divides it.
    static func text(_ bytes: Int) -> String {
        for unit in units where bytes != 0 && bytes % unit.factor == 0 { return "\(bytes / unit.factor)\(unit.name)" }
        return "\(bytes)B"
    }
}

/// Time spans as EMQX and HOCON write them, in whole milliseconds.
enum TimeSpan {
    private static let units: [(name: String, milliseconds: Int)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// - Returns: the time of a text such as `15s`, `1h30m`, `100ms`, `1.5s` or `2000`, which are milliseconds; `nil` for any other
    ///   text.
    static func duration(of text: String) -> Duration? {
        if let milliseconds = Int(text) { return milliseconds >= 0 ? .milliseconds(milliseconds) : nil }
        var total = 0.0
        var rest = text[...]
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(number.count).drop { $0 == " " }
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count).drop { $0 == " " }
            guard let value = Double(number), let factor = milliseconds(inUnit: name.lowercased()) else { return nil }
            total += value * Double(factor)
        }
        return Int64(exactly: total.rounded()).map(Duration.milliseconds)
    }

    private static func milliseconds(inUnit name: String) -> Int? {
        name == "w" ? 7 * 86_400_000 : units.first { $0.name == name }?.milliseconds
    }

    static func milliseconds(_ duration: Duration) -> Int {
        Int(duration.components.seconds) * 1000 + Int(duration.components.attoseconds / 1_000_000_000_000_000)
    }

    /// `duration` in the largest unit that divides it.
    static func text(_ duration: Duration) -> String {
        let milliseconds = milliseconds(duration)
        for unit in units where milliseconds != 0 && milliseconds % unit.milliseconds == 0 {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }
}
