/// A parameter of a request's path or query.
package struct APIParameter: Sendable {
    package enum Place: String, Sendable { case path, query }

    package let name: String
    package let place: Place
    package let schema: Schema
    package let description: String
    /// True if the parameter may come several times.
    package let isRepeated: Bool

    static func path(_ name: String, _ description: String) -> Self {
        Self(name: name, place: .path, schema: .string(), description: description, isRepeated: false)
    }

    static func query(_ name: String, _ schema: Schema, _ description: String, isRepeated: Bool = false) -> Self {
        Self(name: name, place: .query, schema: schema, description: description, isRepeated: isRepeated)
    }

    /// Reads a text as the schema wants it.
    ///
    /// - Throws: `APIFailure`.
    func value(of text: String) throws -> JSONValue {
        let value: JSONValue =
            switch schema {
            case .integer: Int(text).map { .integer($0) } ?? .string(text)
            case .boolean: Bool(text).map { .boolean($0) } ?? .string(text)
            default: .string(text)
            }
        if let objection = schema.objection(to: value, at: name) { throw APIFailure.badRequest(objection) }
        return value
    }
}
