/// A value as the parser leaves it, in which references are still open.
struct PendingValue {
    indirect enum Content {
        case scalar(HOCONValue.Content)
        case list([PendingStack])
        case object(PendingObject)
        case reference(HOCONReference)
        case concatenation([Piece])
        /// Found by following a reference.
        case resolved(HOCONValue)
    }

    enum Piece {
        /// White space between two values of one line: part of a joined string, nothing between lists.
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
    /// `${?…}`: nothing when there is no such value.
    var isOptional: Bool
    /// Where the file stands that says so, when it was included below the root: the path is looked up there first.
    var includedAt: [String]
}

/// All values that one key was given, in the order of the file. What they mean together is settled when references are:
/// objects merge, anything else replaces, and a reference to the key itself means what was there before.
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
            // Without this the merge below would copy the whole object.
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

    /// Calls `change` with the object on top, which is made when there is none.
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
