/// Elements of a list under their numbers: `authentication.1.enable = false`, from 1, as EMQX writes them. Layers and later
/// parts of a file change single elements in this way.
extension HOCONValue {
    /// The elements of a list, or of an object whose keys are 1, 2 and so on without a gap; `nil` for any other value.
    package var elements: [HOCONValue]? {
        switch content {
        case .list(let elements): return elements
        case .object(let fields) where !fields.isEmpty:
            var elements: [HOCONValue] = []
            for number in 1...fields.count {
                guard let element = fields["\(number)"] else { return nil }
                elements.append(element)
            }
            return elements
        default: return nil
        }
    }

    /// The elements of a list of objects, in which the first element may stand without brackets or number; `nil` for any other
    /// value.
    var elementsOfObjects: [HOCONValue]? {
        guard case .object(let fields) = content else { return elements }
        var numbered = fields.filter { Self.isElementNumber($0.key) }
        if numbered.isEmpty { return [self] }
        if numbered.count < fields.count {
            var first = HOCONValue(.object(fields.filter { !Self.isElementNumber($0.key) }), origin: origin)
            if let change = numbered["1"] { first.merge(change) }
            numbered["1"] = first
        }
        return HOCONValue(.object(numbered), origin: origin).elements
    }

    /// Whether the keys of an object are all element numbers.
    static func areElementNumbers(_ keys: some Sequence<String>) -> Bool {
        var isEmpty = true
        for key in keys {
            guard isElementNumber(key) else { return false }
            isEmpty = false
        }
        return !isEmpty
    }

    private static func isElementNumber(_ key: String) -> Bool {
        key.utf8.first != UInt8(ascii: "0") && !key.isEmpty && key.utf8.count <= 9
            && key.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// The elements of a list as fields under their numbers; `nil` for any other value.
    var elementFields: [String: HOCONValue]? {
        guard case .list(let elements) = content else { return nil }
        return Dictionary(uniqueKeysWithValues: elements.enumerated().map { ("\($0 + 1)", $1) })
    }
}
