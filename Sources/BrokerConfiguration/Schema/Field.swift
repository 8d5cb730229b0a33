/// One key: its name, the property of `Root` that its value lives in, and how the value is read, written and described.
package struct Field<Root> {
    package let name: String
    /// Other names of the same key.
    var aliases: [String] = []
    /// Whether the key must be given.
    var isRequired = false
    /// Whether the key can change anything; false for a key that is accepted because EMQX has it.
    var hasEffect = true
    /// The allowed values, in words for error messages.
    package let allowed: String
    /// Moves the value to the newer place of the key before any value is read; `nil` for a key that has not moved.
    var move: ((inout [String: HOCONValue], _ path: [String], inout SchemaReading) -> Void)?
    let read: (inout Root, HOCONValue, _ path: [String], inout SchemaReading) -> Void
    let write: (Root, _ path: [String], inout ConfigurationText) -> Void
    let describe: (_ defaults: Root, _ path: [String]) -> [KeyDescription]
}

/// When a new value of a key takes effect.
package enum Change: Sendable {
    /// While the broker runs: the value is looked up where it is needed, for new connections at the latest.
    case live
    /// When the broker starts: sockets, threads or keys are made of the value.
    case atStart
}

extension Field {
    /// A key with a single value.
    package static func value<Value>(
        _ name: String,
        aliases: [String] = [],
        _ property: WritableKeyPath<Root, Value>,
        _ form: ValueForm<Value>,
        isRequired: Bool = false,
        isSecret: Bool = false,
        _ summary: String,
        _ change: Change
    ) -> Field {
        Field(
            name: name,
            aliases: aliases,
            isRequired: isRequired,
            allowed: form.allowed,
            read: { root, value, path, reading in
                reading.note(value.origin, at: path)
                if isSecret { reading.noteSecret(at: path) }
                guard let read = form.read(value) else {
                    let shown = isSecret ? HOCONValue(.string("(hidden)"), origin: value.origin) : value
                    return reading.refuse(shown, at: path, allowed: form.allowed)
                }
                root[keyPath: property] = read
            },
            write: { root, path, text in
                text.add(isSecret ? nil : form.write(root[keyPath: property]), isSecret: isSecret, at: path)
            },
            describe: { defaults, path in
                let byDefault = isRequired ? "required" : form.write(defaults[keyPath: property]) ?? "not set"
                return [
                    KeyDescription(
                        key: HOCONText.path(path),
                        aliases: aliases,
                        allowed: form.allowed,
                        byDefault: byDefault,
                        summary: summary,
                        // What is set at run time is shown, and so no secret is.
                        kind: .value(isSecret ? .atStart : change)
                    )
                ]
            }
        )
    }

    /// A key with a single value, which may be left out.
    package static func value<Value>(
        _ name: String,
        _ property: WritableKeyPath<Root, Value?>,
        _ form: ValueForm<Value>,
        isSecret: Bool = false,
        _ summary: String,
        _ change: Change
    ) -> Field {
        .value(name, property, form.optional, isSecret: isSecret, summary, change)
    }

    /// The same key, where the value lives in a property of another type.
    package func at<Outer>(_ property: WritableKeyPath<Outer, Root>) -> Field<Outer> {
        Field<Outer>(
            name: name,
            aliases: aliases,
            isRequired: isRequired,
            hasEffect: hasEffect,
            allowed: allowed,
            move: move,
            read: { outer, value, path, reading in read(&outer[keyPath: property], value, path, &reading) },
            write: { outer, path, text in write(outer[keyPath: property], path, &text) },
            describe: { defaults, path in describe(defaults[keyPath: property], path) }
        )
    }
}
