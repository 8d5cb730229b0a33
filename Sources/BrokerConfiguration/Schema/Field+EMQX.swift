/// Keys that EMQX has and that change nothing here.
extension Field {
    /// A key of a feature that is not built: only the values that ask for nothing are accepted.
    /// - Parameter only: those values, of which the first is the default.
    package static func fixed(_ name: String, aliases: [String] = [], _ only: String..., because reason: String)
        -> Field
    {
        let allowed = only.joined(separator: ", ") + " (\(reason))"
        return Field(
            name: name,
            aliases: aliases,
            hasEffect: false,
            allowed: allowed,
            read: { _, value, path, reading in
                if !only.contains(where: value.says) { reading.refuse(value, at: path, allowed: allowed) }
            },
            write: { _, _, _ in },
            describe: { _, path in
                [
                    KeyDescription(
                        key: HOCONText.path(path),
                        aliases: aliases,
                        allowed: only.joined(separator: ", "),
                        byDefault: only[0],
                        summary: "Nothing else: \(reason).",
                        kind: .fixed
                    )
                ]
            }
        )
    }

    /// A list, or a text with commas between its parts, that has to include `word`; what else it includes has no effect.
    package static func includes(_ name: String, _ word: String, because reason: String) -> Field {
        let allowed = "a list with \(word) in it (\(reason))"
        return Field(
            name: name,
            hasEffect: false,
            allowed: allowed,
            read: { _, value, path, reading in
                if value.texts?.contains(word) != true { reading.refuse(value, at: path, allowed: allowed) }
            },
            write: { _, _, _ in },
            describe: { _, path in
                [
                    KeyDescription(
                        key: HOCONText.path(path),
                        allowed: "a list with \(word) in it",
                        byDefault: word,
                        summary: "Nothing else: \(reason).",
                        kind: .fixed
                    )
                ]
            }
        )
    }

    /// A key that is accepted with any value and has no effect.
    package static func withoutEffect(_ name: String, because reason: String) -> Field {
        Field(
            name: name,
            hasEffect: false,
            allowed: "anything",
            read: { _, _, path, reading in reading.noteWithoutEffect(path) },
            write: { _, _, _ in },
            describe: { _, path in [.withoutEffect(key: HOCONText.path(path), because: reason)] }
        )
    }

    /// Keys as `withoutEffect`, all for the same reason.
    package static func withoutEffect(_ names: [String], because reason: String) -> [Field] {
        names.map { .withoutEffect($0, because: reason) }
    }

    /// An object, or objects under names of the user's, such as listeners of a kind that is not built: accepted where nothing
    /// is turned on.
    /// - Parameter isOnByDefault: whether an object without `enable` is turned on.
    package static func turnedOff(
        _ name: String,
        aliases: [String] = [],
        isOnByDefault: Bool,
        because reason: String
    ) -> Field {
        let allowed = "enable = false (\(reason))"
        return Field(
            name: name,
            aliases: aliases,
            hasEffect: false,
            allowed: allowed,
            read: { _, value, path, reading in
                guard let fields = value.fields else { return reading.refuse(value, at: path, allowed: allowed) }
                func enable(_ object: HOCONValue) -> HOCONValue? {
                    object.fields?["enable"] ?? object.fields?["enabled"]
                }
                var objects = fields.filter { $0.value.fields != nil }.map { (path + [$0.key], $0.value) }
                if enable(value) != nil || (objects.isEmpty && !fields.isEmpty) { objects.append((path, value)) }
                for (path, object) in objects where !(enable(object)?.says("false") ?? !isOnByDefault) {
                    reading.refuse(object, at: path, allowed: allowed)
                }
            },
            write: { _, _, _ in },
            describe: { _, path in
                [
                    KeyDescription(
                        key: HOCONText.path(path),
                        aliases: aliases,
                        allowed: "enable = false",
                        byDefault: "{}",
                        summary: "Nothing else: \(reason).",
                        kind: .fixed
                    )
                ]
            }
        )
    }

    /// A key that EMQX has moved into an object beside it. The value is read there. The value of a later layer counts; in one
    /// layer both keys must say the same.
    package static func moved(_ name: String, into object: String) -> Field {
        var field = Field(
            name: name,
            hasEffect: false,
            allowed: "as \(object).\(name)",
            read: { _, _, _, _ in },
            write: { _, _, _ in },
            describe: { _, path in
                [
                    KeyDescription(
                        key: HOCONText.path(path),
                        allowed: "as `\(object).\(name)`",
                        byDefault: "not set",
                        summary: "The older place of `\(object).\(name)`.",
                        kind: .value(.atStart)
                    )
                ]
            }
        )
        field.move = { given, path, reading in
            guard let value = given.removeValue(forKey: name) else { return }
            let place = given[object] ?? HOCONValue(.object([:]), origin: value.origin)
            // Any other value is refused when the object is read.
            guard var fields = place.fields else { return }
            if let other = fields[name] {
                if other.origin.layer > value.origin.layer { return }
                if other.origin.layer == value.origin.layer, other != value {
                    return reading.add(
                        ConfigurationProblem(
                            origin: value.origin,
                            key: HOCONText.path(path + [name]),
                            message: "is not what \(object).\(name) says",
                            allowed: "one of the two keys, preferably \(object).\(name)"
                        )
                    )
                }
            }
            fields[name] = value
            given[object] = HOCONValue(.object(fields), origin: place.origin)
        }
        return field
    }
}

extension HOCONValue {
    /// Whether the value is `word`, or another form of it: `off` for `false`, `0` for `0s`, or a list of the one value. An empty list
    /// is `[]`, and an empty object `{}`.
    fileprivate func says(_ word: String) -> Bool {
        switch content {
        case .list(let elements) where elements.isEmpty: return word == "[]"
        case .object(let fields) where fields.isEmpty: return word == "{}"
        default: break
        }
        if let elements, elements.count == 1 { return elements[0].says(word) }
        guard let text else { return false }
        func isSame<Value: Equatable>(_ read: (String) -> Value?) -> Bool {
            read(text).map { $0 == read(word) } ?? false
        }
        return text == word || (text.isEmpty && word == "\"\"") || isSame(ValueForm<Bool>.boolean(of:))
            || isSame(TimeSpan.duration) || isSame(Double.init)
    }
}
