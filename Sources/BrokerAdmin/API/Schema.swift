/// What a value of a request or of an answer may be, as an OpenAPI 3.0 document says it, and as requests are held to it.
package indirect enum Schema: Sendable {
    case string(String.Form = .any, description: String? = nil)
    case integer(ClosedRange<Int>? = nil, description: String? = nil)
    case boolean(description: String? = nil)
    case array(of: Schema)
    case object([Property], isOpen: Bool = false)
    /// The schema, or null.
    case optional(Schema)
    case anyOf([Schema])
    /// A schema of the document's components, by its name.
    case named(String, Schema)

    /// A member of an object.
    package struct Property: Sendable {
        package let name: String
        package let schema: Schema
        package let isRequired: Bool

        package init(_ name: String, _ schema: Schema, isRequired: Bool = true) {
            self.name = name
            self.schema = schema
            self.isRequired = isRequired
        }
    }
}

extension Schema {
    /// Why a value is not what it has to be: where it is, and what is allowed there. `nil` if it is.
    package func objection(to value: JSONValue, at place: String = "") -> String? {
        let here = place.isEmpty ? "the body" : place
        switch self {
        case .named(_, let schema): return schema.objection(to: value, at: place)
        case .optional(let schema): return value == .null ? nil : schema.objection(to: value, at: place)
        case .anyOf(let schemas):
            let objections = schemas.compactMap { $0.objection(to: value, at: place) }
            return objections.count < schemas.count ? nil : objections.first
        case .string(let form, _):
            guard let string = value.string else { return "\(here) has to be a string" }
            return form.objection(to: string).map { "\(here) \($0)" }
        case .integer(let range, _):
            guard let integer = value.integer else { return "\(here) has to be an integer" }
            guard let range, !range.contains(integer) else { return nil }
            return "\(here) has to be \(range.lowerBound) to \(range.upperBound)"
        case .boolean: return value.boolean == nil ? "\(here) has to be true or false" : nil
        case .array(let schema):
            guard let elements = value.array else { return "\(here) has to be an array" }
            for (index, element) in elements.enumerated() {
                if let objection = schema.objection(to: element, at: "\(place)[\(index)]") { return objection }
            }
            return nil
        case .object(let properties, let isOpen): return objection(to: value, properties, isOpen, place)
        }
    }

    private func objection(
        to value: JSONValue,
        _ properties: [Property],
        _ isOpen: Bool,
        _ place: String
    ) -> String? {
        guard case .object(let members) = value else {
            return "\(place.isEmpty ? "the body" : place) has to be an object"
        }
        let prefix = place.isEmpty ? "" : "\(place)."
        for property in properties {
            guard let member = members[property.name] else {
                if property.isRequired { return "\(prefix)\(property.name) is missing" }
                continue
            }
            if let objection = property.schema.objection(to: member, at: prefix + property.name) { return objection }
        }
        guard !isOpen else { return nil }
        let names = Set(properties.map(\.name))
        return members.keys.sorted().first { !names.contains($0) }.map { "\(prefix)\($0) is not known here" }
    }
}
