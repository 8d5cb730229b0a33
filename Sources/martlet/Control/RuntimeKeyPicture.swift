import BrokerAdmin

/// Keys of the configuration for people.
enum RuntimeKeyPicture {
    /// All keys, each with its value in force and where that comes from.
    static func table(_ keys: [RuntimeKey]) -> String {
        var table = TextTable(["KEY", "VALUE", "FROM"])
        for key in keys { table.add([key.key, key.value ?? "not set", from(key)]) }
        return table.lines.joined(separator: "\n")
    }

    /// What a key is after a change.
    static func line(_ key: RuntimeKey) -> String { "\(key.key) = \(key.value ?? "not set")  (\(from(key)))" }

    private static func from(_ key: RuntimeKey) -> String {
        guard let record = key.record else { return key.place }
        switch key.source {
        case .runtime: return "\(key.place), revision \(record.revision)"
        case .passedOver: return "passed over: \(key.place); set at run time to \(record.value)"
        case .byDefault: return key.place
        case .file, .environment, .commandLine: return "\(key.place), before \(record.value) of run time"
        }
    }
}
