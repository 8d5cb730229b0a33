/// Figures as people read them.
enum Figure {
    /// Octets, such as `3.1 MB`. Units are multiples of 1,024, as in the configuration.
    static func octets(_ octets: some BinaryInteger) -> String {
        var value = Double(octets)
        for unit in ["B", "KB", "MB", "GB"] {
            if value < 1_000 { return "\(short(value, isWhole: unit == "B")) \(unit)" }
            value /= 1_024
        }
        return "\(short(value, isWhole: false)) TB"
    }

    /// A time, such as `1.9 ms`, `12 s` or `3 h 5 min`.
    static func time(microseconds: Int) -> String {
        if microseconds < 1_000_000 { return "\(short(Double(microseconds) / 1_000, isWhole: false)) ms" }
        let seconds = microseconds / 1_000_000
        if seconds < 60 { return "\(short(Double(microseconds) / 1_000_000, isWhole: false)) s" }
        if seconds < 3_600 { return "\(seconds / 60) min" }
        if seconds < 86_400 { return "\(seconds / 3_600) h \(seconds / 60 % 60) min" }
        return "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
    }

    static func time(milliseconds: Int) -> String { time(microseconds: milliseconds * 1_000) }

    /// Three digits, such as `1.9` and `120`.
    private static func short(_ value: Double, isWhole: Bool) -> String {
        if isWhole || value >= 99.95 { return "\(Int(value.rounded()))" }
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    /// What another node says, as one short line that no terminal takes for a command.
    static func plain(_ text: String, atMost count: Int = 40) -> String {
        let safe = text.unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: "?"
            default: String(scalar)
            }
        }.joined()
        return safe.count <= count ? safe : String(safe.prefix(count - 1)) + "…"
    }
}
