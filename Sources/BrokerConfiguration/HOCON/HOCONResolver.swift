/// Replaces the references of a parsed text by the values that they refer to.
///
/// A value is resolved each time it is needed; nothing is cached, and `maximumSteps` bounds the cost. The value of a reference
/// depends on the place of the reference, since a key may refer to its own earlier value.
struct HOCONResolver {
    private let root: PendingObject
    private let environment: [String: String]
    private let limits: HOCONLimits
    private var steps = 0
    private var joinedBytes = 0
    private var depth = 0
    /// Keys whose values are being resolved, and their values so far.
    private var inProgress: [(path: [String], valueSoFar: HOCONValue?)] = []

    init(root: PendingObject, environment: [String: String], limits: HOCONLimits) {
        self.root = root
        self.environment = environment
        self.limits = limits
    }

    mutating func resolveRoot(origin: Origin) throws(HOCONError) -> HOCONValue {
        HOCONValue(.object(try resolve(root, at: [], over: nil, origin: origin)), origin: origin)
    }

    // MARK: From the outside in

    /// - Returns: the fields of `object`, merged over those of `below` if that is an object.
    private mutating func resolve(
        _ object: PendingObject,
        at path: [String],
        over below: HOCONValue?,
        origin: Origin
    ) throws(HOCONError) -> [String: HOCONValue] {
        let elements = HOCONValue.areElementNumbers(object.fields.keys) ? below?.elementFields : nil
        try spend(elements?.count ?? 0, at: origin)
        var fields = below?.fields ?? elements ?? [:]
        // In the order of names, so that the same file always fails at the same place.
        for key in object.fields.keys.sorted() {
            if let stack = object.fields[key],
                let value = try resolve(stack, at: path + [key], over: fields[key], origin: origin)
            {
                fields[key] = value
            }
        }
        return fields
    }

    /// - Parameter below: the earlier value of the key, if a reference to an object brought one.
    /// - Returns: `nil` if all items are optional references without a value.
    private mutating func resolve(
        _ stack: PendingStack,
        at path: [String],
        over below: HOCONValue? = nil,
        origin: Origin
    ) throws(HOCONError) -> HOCONValue? {
        var value = below
        for item in stack.items {
            guard let next = try resolve(item, at: path, over: value) else { continue }
            if item.isObject {
                // The object has been merged over the value already.
                try spend(next.fields?.count ?? 0, at: item.origin)
                value = next
            } else {
                try lay(next, over: &value, at: item.origin)
            }
        }
        return value
    }

    private mutating func lay(_ next: HOCONValue, over value: inout HOCONValue?, at origin: Origin) throws(HOCONError) {
        guard let merged = value?.merge(next) else { return value = next }
        try spend(merged, at: origin)
    }

    private mutating func resolve(
        _ item: PendingValue,
        at path: [String],
        over below: HOCONValue?
    ) throws(HOCONError) -> HOCONValue? {
        try spend(1, at: item.origin)
        depth += 1
        defer { depth -= 1 }
        if depth > limits.maximumResolvedDepth {
            throw HOCONError(
                origin: item.origin,
                message: "values and references nest deeper than \(limits.maximumResolvedDepth) levels"
            )
        }
        switch item.content {
        case .scalar(let content):
            return HOCONValue(content, origin: item.origin)
        case .resolved(let value):
            return value
        case .object(let object):
            let fields = try resolve(object, at: path, over: below, origin: item.origin)
            return HOCONValue(.object(fields), origin: item.origin)
        case .list(let elements):
            inProgress.append((path, below))
            defer { inProgress.removeLast() }
            var values: [HOCONValue] = []
            for (index, element) in elements.enumerated() {
                if let value = try resolve(element, at: path + ["\(index)"], origin: item.origin) {
                    values.append(value)
                }
            }
            return HOCONValue(.list(values), origin: item.origin)
        case .reference(let reference):
            inProgress.append((path, below))
            defer { inProgress.removeLast() }
            return try follow(reference, origin: item.origin)
        case .concatenation(let pieces):
            return try join(pieces, at: path, over: below, origin: item.origin)
        }
    }

    // MARK: References

    private mutating func follow(_ reference: HOCONReference, origin: Origin) throws(HOCONError) -> HOCONValue? {
        var found: HOCONValue?
        if !reference.includedAt.isEmpty {
            found = try lookUp(reference.includedAt + reference.path, for: reference, origin: origin)
        }
        if found == nil { found = try lookUp(reference.path, for: reference, origin: origin) }
        if found == nil, let text = environment[reference.path.joined(separator: ".")] {
            found = HOCONValue(HOCONValue.content(ofUnquoted: text), origin: origin)
        }
        guard var value = found else {
            if reference.isOptional { return nil }
            let name = HOCONText.path(reference.path)
            throw HOCONError(
                origin: origin,
                message:
                    "${\(name)} has no value: there is no key \(name) with a value at this point, and no environment variable"
                    + "; write ${?\(name)} if it may be missing"
            )
        }
        // Messages name the place where a single value is used, and the places where the parts of an object were written.
        if value.fields == nil { value.origin = origin }
        return value
    }

    private mutating func lookUp(
        _ path: [String],
        for reference: HOCONReference,
        origin: Origin
    ) throws(HOCONError) -> HOCONValue? {
        for entry in inProgress.reversed() {
            try spend(1, at: origin)
            if path.starts(with: entry.path) {
                // A reference of a key to itself, or to a part of itself, has the earlier value.
                return entry.valueSoFar?.value(at: path.dropFirst(entry.path.count))
            }
            if entry.path.starts(with: path) {
                throw HOCONError(
                    origin: origin,
                    message: "${\(HOCONText.path(reference.path))} is a part of the value that it refers to"
                )
            }
        }
        var stack = PendingStack(items: [PendingValue(content: .object(root), origin: origin)])
        for index in path.indices {
            stack = try child(path[index], of: stack, at: Array(path[..<index]))
            if stack.items.isEmpty { return nil }
        }
        return try resolve(stack, at: path, origin: origin)
    }

    /// The values that `key` was given within `stack`. Only references on the way are resolved, so that one part of an object
    /// can refer to another part.
    private mutating func child(_ key: String, of stack: PendingStack, at path: [String]) throws(HOCONError)
        -> PendingStack
    {
        var items: [PendingValue] = []
        for (index, item) in stack.items.enumerated() {
            try spend(1, at: item.origin)
            switch item.content {
            case .object(let object):
                guard let found = object.fields[key] else { continue }
                try spend(found.items.count, at: item.origin)
                items += found.items
            case .scalar, .list:
                items = []
            case .reference, .concatenation, .resolved:
                let below = try resolve(
                    PendingStack(items: Array(stack.items[..<index])),
                    at: path,
                    origin: item.origin
                )
                guard let value = try resolve(item, at: path, over: below) else { continue }
                guard let fields = value.fields else {
                    items = []
                    continue
                }
                if let found = fields[key] {
                    items.append(PendingValue(content: .resolved(found), origin: found.origin))
                }
            }
        }
        return PendingStack(items: items)
    }

    // MARK: Joins

    private mutating func join(
        _ pieces: [PendingValue.Piece],
        at path: [String],
        over below: HOCONValue?,
        origin: Origin
    ) throws(HOCONError) -> HOCONValue? {
        var joined: HOCONValue?
        var blank = ""
        for piece in pieces {
            switch piece {
            case .blank(let text):
                blank = text
            case .value(let value):
                var before = below
                // An object is merged over the object on its left.
                if value.isObject, let joined, joined.fields != nil {
                    try lay(joined, over: &before, at: origin)
                }
                guard let next = try resolve(value, at: path, over: before) else { continue }
                joined =
                    try joined.map { (before) throws(HOCONError) in try join(before, blank, next, origin: origin) }
                    ?? next
                blank = ""
            }
        }
        joined?.origin = origin
        return joined
    }

    private mutating func join(
        _ before: HOCONValue,
        _ blank: String,
        _ next: HOCONValue,
        origin: Origin
    ) throws(HOCONError) -> HOCONValue {
        switch (before.content, next.content) {
        case (.object(let fields), .object(let more)):
            try spend(fields.count + more.count, at: origin)
            var merged = before
            try spend(merged.merge(next), at: origin)
            return merged
        case (.list(let elements), .list(let more)):
            // Copying an element costs little compared with resolving it, and `+=` copies all earlier elements each time.
            try spend((elements.count + more.count) / 32, at: origin)
            return HOCONValue(.list(elements + more), origin: origin)
        default:
            guard let left = before.text, let right = next.text else {
                throw HOCONError(
                    origin: origin,
                    message:
                        "an object or a list beside a value of another kind; only values of one kind can be concatenated"
                )
            }
            let text = left + blank + right
            joinedBytes += text.utf8.count
            if joinedBytes > limits.maximumJoinedBytes {
                throw HOCONError(
                    origin: origin,
                    message: "concatenated strings are longer than \(limits.maximumJoinedBytes) bytes"
                )
            }
            return HOCONValue(.string(text), origin: origin)
        }
    }

    // MARK: Bounds

    private mutating func spend(_ count: Int, at origin: Origin) throws(HOCONError) {
        steps += count
        if steps > limits.maximumSteps {
            throw HOCONError(
                origin: origin,
                message: "the references of this file need more than \(limits.maximumSteps) steps to resolve"
            )
        }
    }
}
