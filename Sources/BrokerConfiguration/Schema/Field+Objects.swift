extension Field {
    /// An object of further keys, whose values live in `Root` too.
    package static func section(_ name: String, aliases: [String] = [], _ section: Section<Root>) -> Field {
        Field(
            name: name,
            aliases: aliases,
            hasEffect: section.fields.contains(where: \.hasEffect),
            allowed: "an object",
            read: { root, value, path, reading in section.read(&root, from: value, at: path, in: &reading) },
            write: { root, path, text in section.write(root, at: path, into: &text) },
            describe: { defaults, path in section.describe(defaults, at: path) }
        )
    }

    /// An object of further keys, whose values live in a property.
    package static func section<Inner>(
        _ name: String,
        _ property: WritableKeyPath<Root, Inner>,
        _ section: Section<Inner>
    ) -> Field {
        .section(name, section.at(property))
    }

    /// Objects of the same keys, each under a name of the user's.
    /// - Parameter defaults: an object without any key.
    package static func named<Inner>(
        _ name: String,
        _ property: WritableKeyPath<Root, [String: Inner]>,
        of defaults: Inner,
        _ section: Section<Inner>
    ) -> Field {
        Field(
            name: name,
            allowed: "an object of names",
            read: { root, value, path, reading in
                guard let given = value.fields else {
                    return reading.refuse(
                        value,
                        at: path,
                        allowed: "an object of names, such as \(name) { default { … } }"
                    )
                }
                for (key, value) in given.sorted(by: { $0.key < $1.key }) where !value.isNull {
                    guard HOCONText.key(key) == key || key == "include" else {
                        let key = HOCONValue(.string(key), origin: value.origin)
                        reading.refuse(key, at: path + [key.text ?? ""], allowed: "letters, digits, '_' and '-'")
                        continue
                    }
                    reading.note(value.origin, at: path + [key])
                    section.read(
                        &root[keyPath: property][key, default: defaults],
                        from: value,
                        at: path + [key],
                        in: &reading
                    )
                }
            },
            write: { root, path, text in
                for (key, inner) in root[keyPath: property].sorted(by: { $0.key < $1.key }) {
                    section.write(inner, at: path + [key], into: &text)
                }
            },
            describe: { _, path in section.describe(defaults, at: path + ["NAME"]) }
        )
    }

    /// A list of objects. A single object needs no brackets, and the number of an element, from 1, can be a key:
    /// `authentication.1.enable`.
    /// - Parameter defaults: an element without any key.
    package static func list<Inner>(
        _ name: String,
        _ property: WritableKeyPath<Root, [Inner]>,
        of defaults: Inner,
        atMost bound: Int,
        _ section: Section<Inner>
    ) -> Field {
        let allowed = "a list of at most \(bound) objects, one object, or objects under their numbers 1, 2 and so on"
        return Field(
            name: name,
            allowed: allowed,
            read: { root, value, path, reading in
                guard let elements = value.elementsOfObjects, elements.count <= bound else {
                    return reading.refuse(value, at: path, allowed: allowed)
                }
                root[keyPath: property] = elements.enumerated().map { index, element in
                    var inner = defaults
                    section.read(&inner, from: element, at: path + ["\(index + 1)"], in: &reading)
                    return inner
                }
            },
            write: { root, path, text in
                let elements = root[keyPath: property]
                text.addList(elements.count, at: path) { index, path, text in
                    section.write(elements[index], at: path, into: &text)
                }
            },
            describe: { _, path in section.describe(defaults, at: path) }
        )
    }
}
