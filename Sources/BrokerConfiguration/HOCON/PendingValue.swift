/// A parsed value with unresolved references.
struct PendingValue {
    /// What the value is, as it was parsed.
    indirect enum Content {
        case scalar(HOCONValue.Content)
        case list([PendingStack])
        case object(PendingObject)
        case reference(HOCONReference)
        case concatenation([Piece])
        /// The value of a resolved reference.
        case resolved(HOCONValue)
    }

    /// A part of a concatenation (HOCON.md, "Value concatenation").
    enum Piece {
        /// White space between two values of one line: a part of concatenated strings, ignored between lists.
        case blank(String)
        case value(PendingValue)
    }

    var content: Content
    var origin: Origin

    var isObject: Bool { if case .object = content { true } else { false } }
}

/// `${a.b}` or `${?a.b}`.
struct HOCONReference {
    var path: [String]
    /// True for `${?…}`, which is left out if it has no value.
    var isOptional: Bool
    /// The path that the file of the reference was included at. References are looked up below that path first.
    var includedAt: [String]
}

/// All values that one key was given, in the order of the file. The values become one when references are resolved: an object
/// merges with an earlier object, any other value replaces, and a reference to the key itself has the earlier value.
struct PendingStack {
    var items: [PendingValue] = []

    mutating func append(_ value: PendingValue) {
        switch value.content {
        case .scalar:
            items = [value]
        case .object(let object):
            guard let last = items.indices.last, case .object(var merged) = items[last].content else {
                items.append(value)
                return
            }
            // Without this line the merge below would copy the whole object.
            items[last].content = .scalar(.null)
            merged.merge(object)
            items[last].content = .object(merged)
        default:
            items.append(value)
        }
    }

    mutating func append(_ other: PendingStack) {
        for item in other.items { append(item) }
    }

    /// Calls `change` with the last value, if that is an object, or else with a new object.
    mutating func withObject<Failure: Error>(
        origin: Origin,
        _ change: (inout PendingObject) throws(Failure) -> Void
    ) throws(Failure) {
        var object = PendingObject()
        var place = items.endIndex
        if let last = items.indices.last, case .object(let existing) = items[last].content {
            object = existing
            place = last
            items[last].content = .scalar(.null)
        } else {
            items.append(PendingValue(content: .scalar(.null), origin: origin))
        }
        try change(&object)
        items[place].content = .object(object)
    }
}

/// An object with unresolved references: for each key, all values that it was given.
struct PendingObject {
    var fields: [String: PendingStack] = [:]

    mutating func merge(_ other: PendingObject) {
        for (key, stack) in other.fields { fields[key, default: PendingStack()].append(stack) }
    }

    /// Adds `value` at `path`, which is not empty.
    mutating func add(_ value: PendingStack, at path: ArraySlice<String>, origin: Origin) {
        guard let key = path.first else { return }
        if path.count == 1 {
            fields[key, default: PendingStack()].append(value)
        } else {
            fields[key, default: PendingStack()].withObject(origin: origin) { object in
                object.add(value, at: path.dropFirst(), origin: origin)
            }
        }
    }
}
