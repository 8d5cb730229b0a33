/// The keys of one object of the configuration, each bound to the property of `Root` that its value lives in.
///
/// The list of fields alone decides what is read, what `--print-config` prints and what the reference lists.
package struct Section<Root> {
    package let fields: [Field<Root>]
    /// Why keys beside `fields` are accepted without effect; `nil` where they are errors.
    private let othersHaveNoEffect: String?
    /// Called when all keys are read: refuses values that do not fit each other, and sets what follows from several keys.
    private let complete: (inout Root, _ path: [String], inout SchemaReading) -> Void

    package init(
        _ fields: [Field<Root>],
        othersHaveNoEffect: String? = nil,
        complete: @escaping (inout Root, _ path: [String], inout SchemaReading) -> Void = { _, _, _ in }
    ) {
        self.fields = fields
        self.othersHaveNoEffect = othersHaveNoEffect
        self.complete = complete
    }

    /// These keys and `more`.
    package func adding(_ more: [Field<Root>]) -> Section {
        Section(fields + more, othersHaveNoEffect: othersHaveNoEffect, complete: complete)
    }

    /// The same keys, where the values live in a property of another type.
    package func at<Outer>(_ property: WritableKeyPath<Outer, Root>) -> Section<Outer> {
        Section<Outer>(
            fields.map { $0.at(property) },
            othersHaveNoEffect: othersHaveNoEffect,
            complete: { outer, path, reading in complete(&outer[keyPath: property], path, &reading) }
        )
    }

    /// Sets the properties of `root` that `value` has keys for. A wrong value is noted in `reading`, and its property keeps
    /// the default.
    func read(_ root: inout Root, from value: HOCONValue, at path: [String], in reading: inout SchemaReading) {
        guard var given = value.fields else {
            return reading.refuse(value, at: path, allowed: "an object of the keys \(keyList)")
        }
        for field in fields { field.move?(&given, path, &reading) }
        for field in fields {
            if let value = take(field, from: &given, at: path, in: &reading), !value.isNull {
                field.read(&root, value, path + [field.name], &reading)
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
            if othersHaveNoEffect != nil {
                reading.noteWithoutEffect(path + [key])
            } else {
                reading.add { unknownKey(at: path + [key], origin: value.origin) }
            }
        }
        complete(&root, path, &reading)
    }

    /// The value of `field`, by any of its names. The value of a later layer counts; two names in one layer are an
    /// error.
    private func take(
        _ field: Field<Root>,
        from given: inout [String: HOCONValue],
        at path: [String],
        in reading: inout SchemaReading
    ) -> HOCONValue? {
        var found = ([field.name] + field.aliases).compactMap { name in
            given.removeValue(forKey: name).map { (name: name, value: $0) }
        }
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
        return found.first?.value
    }

    func write(_ root: Root, at path: [String], into text: inout ConfigurationText) {
        for field in fields { field.write(root, path + [field.name], &text) }
    }

    /// Descriptions of these keys, and of the keys below them, for the reference.
    package func describe(_ defaults: Root, at path: [String] = []) -> [KeyDescription] {
        let described = fields.flatMap { $0.describe(defaults, path + [$0.name]) }
        guard let reason = othersHaveNoEffect else { return described }
        return described + [.withoutEffect(key: HOCONText.path(path) + ".*", because: reason)]
    }

    private func unknownKey(at path: [String], origin: Origin) -> ConfigurationProblem {
        let nearest = Spelling.nearest(to: path.last ?? "", among: fields.flatMap { [$0.name] + $0.aliases })
        return ConfigurationProblem(
            origin: origin,
            key: HOCONText.path(path),
            message: "there is no such key" + (nearest.map { ", did you mean \($0)?" } ?? ""),
            allowed: keyList,
            isOfUnknownKey: true
        )
    }

    /// The keys that have an effect, for messages.
    private var keyList: String { fields.filter(\.hasEffect).map(\.name).joined(separator: ", ") }
}
