/// One key of a section: its name, how its value is read into a property, written and described.
package struct Field<Section: ConfigurationSection> {
    let name: String
    /// Other names of the same key.
    var aliases: [String] = []
    /// Whether the key must be given.
    var isRequired = false
    /// Whether the key changes anything; false for those that are accepted because the peer has them.
    var hasMeaning = true
    /// What may be given.
    let allowed: String
    let read: (inout Section, HOCONValue, _ path: [String], inout SchemaReading) -> Void
    let write: (Section, _ path: [String], inout ConfigurationText) -> Void
    let describe: (_ defaults: Section, _ path: [String]) -> [KeyDescription]
}

extension Field {
    /// A single value.
    static func value<Value>(
        _ name: String,
        aliases: [String] = [],
        _ property: WritableKeyPath<Section, Value>,
        _ form: ValueForm<Value>,
        isRequired: Bool = false,
        isSecret: Bool = false,
        _ summary: String
    ) -> Field {
        Field(
            name: name,
            aliases: aliases,
            isRequired: isRequired,
            allowed: form.allowed,
            read: { section, value, path, reading in
                reading.note(value.origin, at: path)
                guard let read = form.read(value) else {
                    let shown = isSecret ? HOCONValue(.string("(hidden)"), origin: value.origin) : value
                    return reading.refuse(shown, at: path, allowed: form.allowed)
                }
                section[keyPath: property] = read
            },
            write: { section, path, text in
                text.add(isSecret ? nil : form.write(section[keyPath: property]), isSecret: isSecret, at: path)
            },
            describe: { defaults, path in
                let byDefault = isRequired ? "required" : form.write(defaults[keyPath: property]) ?? "not set"
                return [
                    KeyDescription(
                        key: HOCONText.path(path),
                        aliases: aliases,
                        allowed: form.allowed,
                        byDefault: byDefault,
                        summary: summary
                    )
                ]
            }
        )
    }

    /// A single value or nothing, which `word` stands for; without a word the key is left out.
    static func value<Value>(
        _ name: String,
        aliases: [String] = [],
        _ property: WritableKeyPath<Section, Value?>,
        _ form: ValueForm<Value>,
        or word: String? = nil,
        _ summary: String
    ) -> Field {
        .value(name, aliases: aliases, property, word.map(form.or) ?? form.optional, summary)
    }

    /// An object of further keys.
    static func section<Inner: ConfigurationSection>(
        _ name: String,
        _ property: WritableKeyPath<Section, Inner>
    ) -> Field {
        Field(
            name: name,
            allowed: "an object",
            read: { section, value, path, reading in
                section[keyPath: property].read(value, at: path, in: &reading)
            },
            write: { section, path, text in section[keyPath: property].write(at: path, into: &text) },
            describe: { _, path in Inner.describe(at: path) }
        )
    }

    /// Objects of the same keys, each under a name of the user's.
    static func named<Inner: ConfigurationSection>(
        _ name: String,
        _ property: WritableKeyPath<Section, [String: Inner]>
    ) -> Field {
        let allowedName = "letters, digits, '_' and '-'"
        return Field(
            name: name,
            allowed: "an object of names",
            read: { section, value, path, reading in
                guard let given = value.fields else {
                    return reading.refuse(
                        value,
                        at: path,
                        allowed: "an object of names, such as \(name) { default { … } }"
                    )
                }
                for (key, value) in given.sorted(by: { $0.key < $1.key }) where !value.isNull {
                    guard HOCONText.key(key) == key || key == "include" else {
                        reading.refuse(
                            HOCONValue(.string(key), origin: value.origin),
                            at: path + [key],
                            allowed: allowedName
                        )
                        continue
                    }
                    reading.note(value.origin, at: path + [key])
                    section[keyPath: property][key, default: Inner()].read(value, at: path + [key], in: &reading)
                }
            },
            write: { section, path, text in
                for (key, inner) in section[keyPath: property].sorted(by: { $0.key < $1.key }) {
                    inner.write(at: path + [key], into: &text)
                }
            },
            describe: { _, path in Inner.describe(at: path + ["NAME"]) }
        )
    }

    /// A list of objects; a single one may stand without the brackets.
    static func list<Inner: ConfigurationSection>(
        _ name: String,
        _ property: WritableKeyPath<Section, [Inner]>,
        atMost bound: Int
    ) -> Field {
        let allowed = "a list of at most \(bound) objects, or one object"
        return Field(
            name: name,
            allowed: allowed,
            read: { section, value, path, reading in
                let elements: [HOCONValue]
                switch value.content {
                case .list(let list) where list.count <= bound: elements = list
                case .object: elements = [value]
                default: return reading.refuse(value, at: path, allowed: allowed)
                }
                section[keyPath: property] = elements.enumerated().map { index, element in
                    var inner = Inner()
                    inner.read(element, at: path + ["\(index + 1)"], in: &reading)
                    return inner
                }
            },
            write: { section, path, text in
                text.addList(section[keyPath: property], at: path)
            },
            describe: { _, path in Inner.describe(at: path) }
        )
    }

    /// A key that EMQX has and that cannot mean anything else here than `only`, its harmless value.
    static func fixed(_ name: String, _ only: String..., because reason: String) -> Field {
        let allowed = only.joined(separator: ", ") + " (\(reason))"
        return Field(
            name: name,
            hasMeaning: false,
            allowed: allowed,
            read: { _, value, path, reading in
                // A list of the one value says the same (`access_rules = ["allow all"]`).
                var given = value
                if case .list(let elements) = value.content, elements.count == 1 { given = elements[0] }
                let text = given.text.map { $0.isEmpty ? "\"\"" : $0 }
                // `on` and `yes` are `true`, here as anywhere.
                let boolean = ValueForm<Bool>.boolean.read(given).map { "\($0)" }
                if ![text, boolean].contains(where: { $0.map(only.contains) == true }) {
                    reading.refuse(value, at: path, allowed: allowed)
                }
            },
            write: { _, _, _ in },
            describe: { _, path in
                [
                    KeyDescription(
                        key: HOCONText.path(path),
                        allowed: only.joined(separator: ", "),
                        byDefault: only[0],
                        summary: "Nothing else: \(reason)."
                    )
                ]
            }
        )
    }

    /// A key that EMQX has and that changes nothing here. It is accepted, and a notice says so.
    static func meaningless(_ name: String, because reason: String) -> Field {
        Field(
            name: name,
            hasMeaning: false,
            allowed: "anything",
            read: { _, value, path, reading in
                reading.notices.append(
                    ConfigurationProblem(
                        origin: value.origin,
                        key: HOCONText.path(path),
                        message: "has no meaning here: \(reason)"
                    )
                )
            },
            write: { _, _, _ in },
            describe: { _, path in
                [
                    KeyDescription(
                        key: HOCONText.path(path),
                        allowed: "anything",
                        byDefault: "—",
                        summary: "Has no meaning here: \(reason)."
                    )
                ]
            }
        )
    }
}
