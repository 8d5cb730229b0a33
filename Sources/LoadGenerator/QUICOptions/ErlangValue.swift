/// An Erlang term, of the kinds that files of options use.
enum ErlangValue: Equatable, Sendable {
    case atom(String)
    case integer(Int64)
    case float(Double)
    case string(String)
    case binary([UInt8])
    case tuple([ErlangValue])
    case list([ErlangValue])
    case map([Field])

    /// A key of a map with its value.
    struct Field: Equatable, Sendable {
        let key: ErlangValue
        let value: ErlangValue
    }

    /// The terms of a file as `file:consult` reads it, each ended by a full stop.
    ///
    /// - Throws: ``UsageError`` that names the line.
    static func consult(_ text: String) throws(UsageError) -> [ErlangValue] {
        var reader = ErlangReader(text)
        var terms: [ErlangValue] = []
        while try !reader.isAtEnd {
            terms.append(try reader.term())
            try reader.takeFullStop()
        }
        return terms
    }

    /// The entries of a property list or a map by key; an atom alone means true, and the first of several values counts.
    ///
    /// `nil` for other terms.
    var properties: [String: ErlangValue]? {
        var properties: [String: ErlangValue] = [:]
        func add(_ key: ErlangValue, _ value: ErlangValue) -> Bool {
            guard case .atom(let name) = key else { return false }
            properties[name] = properties[name] ?? value
            return true
        }
        switch self {
        case .map(let fields):
            return fields.allSatisfy { add($0.key, $0.value) } ? properties : nil
        case .list(let items):
            let isWhole = items.allSatisfy { item in
                if case .tuple(let pair) = item, pair.count == 2 { return add(pair[0], pair[1]) }
                return add(item, .atom("true"))
            }
            return isWhole ? properties : nil
        default: return nil
        }
    }

    /// The term in Erlang's notation, for error messages.
    var text: String {
        func joined(_ values: [ErlangValue]) -> String { values.map(\.text).joined(separator: ",") }
        return switch self {
        case .atom(let name): name
        case .integer(let value): "\(value)"
        case .float(let value): "\(value)"
        case .string(let text): "\"\(text)\""
        case .binary(let octets): "<<\(octets.map(String.init).joined(separator: ","))>>"
        case .tuple(let values): "{\(joined(values))}"
        case .list(let values): "[\(joined(values))]"
        case .map(let fields): "#{\(fields.map { "\($0.key.text) => \($0.value.text)" }.joined(separator: ","))}"
        }
    }
}
