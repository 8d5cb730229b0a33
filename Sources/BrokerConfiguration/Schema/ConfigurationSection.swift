/// A part of the configuration: a value struct whose properties have their defaults, and the list of its keys.
package protocol ConfigurationSection: Sendable, Equatable {
    /// All defaults.
    init()

    /// The keys, in the order in which they are shown. They alone decide what is read, what `--print-config` shows and
    /// what the reference lists.
    static var fields: [Field<Self>] { get }

    /// Called when all keys are read: settles what one key means for another.
    mutating func settle(at path: [String], in reading: inout SchemaReading)
}

extension ConfigurationSection {
    package mutating func settle(at path: [String], in reading: inout SchemaReading) {}

    /// Takes over what `value` says. Whatever is wrong is noted in `reading` and keeps its default.
    mutating func read(_ value: HOCONValue, at path: [String], in reading: inout SchemaReading) {
        guard var given = value.fields else {
            reading.refuse(value, at: path, allowed: "an object of the keys \(Self.keyList)")
            return
        }
        for field in Self.fields {
            var found = ([field.name] + field.aliases).compactMap { name in
                given.removeValue(forKey: name).map { (name: name, value: $0) }
            }
            // By whatever name: what stands in a later layer lies over what stands before it.
            let layer = found.map(\.value.origin.layer).max()
            found.removeAll { $0.value.origin.layer != layer }
            if found.count > 1 {
                reading.add(
                    ConfigurationProblem(
                        origin: found[1].value.origin,
                        key: HOCONText.path(path + [found[1].name]),
                        message: "\(found[1].name) and \(found[0].name) are names of the same key",
                        allowed: "one of them"
                    )
                )
            }
            if let value = found.first?.value, !value.isNull {
                field.read(&self, value, path + [field.name], &reading)
            } else if field.isRequired {
                reading.add(
                    ConfigurationProblem(
                        origin: value.origin,
                        key: HOCONText.path(path + [field.name]),
                        message: "is missing",
                        allowed: field.allowed
                    )
                )
            }
        }
        for (key, value) in given.sorted(by: { $0.key < $1.key }) {
            reading.add { Self.unknownKey(at: path + [key], origin: value.origin) }
        }
        settle(at: path, in: &reading)
    }

    func write(at path: [String], into text: inout ConfigurationText) {
        for field in Self.fields { field.write(self, path + [field.name], &text) }
    }

    static func describe(at path: [String]) -> [KeyDescription] {
        let defaults = Self()
        return fields.flatMap { $0.describe(defaults, path + [$0.name]) }
    }

    private static func unknownKey(at path: [String], origin: Origin) -> ConfigurationProblem {
        let nearest = Spelling.nearest(to: path.last ?? "", among: fields.flatMap { [$0.name] + $0.aliases })
        return ConfigurationProblem(
            origin: origin,
            key: HOCONText.path(path),
            message: "there is no such key" + (nearest.map { ", did you mean \($0)?" } ?? ""),
            allowed: keyList
        )
    }

    /// The keys that have a meaning, for messages.
    private static var keyList: String {
        fields.filter(\.hasMeaning).map(\.name).joined(separator: ", ")
    }
}
