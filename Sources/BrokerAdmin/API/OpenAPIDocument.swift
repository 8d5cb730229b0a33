import HTTPTypes
package import NIOCore

/// The OpenAPI 3.0 document of the operations.
package struct OpenAPIDocument {
    private let operations: [APIOperation]
    private let version: String

    /// - Parameter version: Martlet's.
    package init(_ operations: [APIOperation], version: String) {
        self.operations = operations
        self.version = version
    }

    package var json: ByteBuffer {
        var json = JSONWriter(capacity: 65_536)
        json.object { json in
            json.member("openapi", "3.0.3")
            json.member("info") { json in
                json.object { json in
                    json.member("title", "Martlet")
                    json.member("version", version)
                    json.member("license") { json in json.object { $0.member("name", "Apache-2.0") } }
                }
            }
            json.member("servers") { json in
                json.array([APIRouter.base]) { json, base in json.object { $0.member("url", base) } }
            }
            json.member("security") { json in
                json.array(["basicAuth", "bearerAuth"]) { json, name in
                    json.object { json in json.member(name) { $0.array([] as [String]) { $0.string($1) } } }
                }
            }
            json.member("paths") { writePaths(to: &$0) }
            json.member("components") { writeComponents(to: &$0) }
        }
        return json.octets
    }

    private func writePaths(to json: inout JSONWriter) {
        var paths: [(path: String, operations: [APIOperation])] = []
        for operation in operations {
            if let place = paths.firstIndex(where: { $0.path == operation.path }) {
                paths[place].operations.append(operation)
            } else {
                paths.append((operation.path, [operation]))
            }
        }
        json.object { json in
            for (path, operations) in paths {
                json.member(path) { json in
                    json.object { json in
                        for operation in operations {
                            json.member(operation.method.rawValue.lowercased()) { operation.write(to: &$0) }
                        }
                    }
                }
            }
        }
    }

    private func writeComponents(to json: inout JSONWriter) {
        var schemas: [String: Schema] = ["Failure": APIFailure.schema]
        for operation in operations {
            operation.body?.collectNamed(into: &schemas)
            operation.answer?.collectNamed(into: &schemas)
            for (_, schema) in operation.others { schema.collectNamed(into: &schemas) }
        }
        json.object { json in
            json.member("securitySchemes") { json in
                json.object { json in
                    for (name, scheme) in [("basicAuth", "basic"), ("bearerAuth", "bearer")] {
                        json.member(name) { json in
                            json.object { json in
                                json.member("type", "http")
                                json.member("scheme", scheme)
                            }
                        }
                    }
                }
            }
            json.member("schemas") { json in
                json.object { json in
                    for (name, schema) in schemas.sorted(by: { $0.key < $1.key }) {
                        json.member(name) { schema.write(to: &$0) }
                    }
                }
            }
        }
    }
}

extension APIFailure {
    static let schema: Schema = .object([.init("code", .string()), .init("message", .string())])
}

extension APIOperation {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("operationId", identifier)
            json.member("summary", summary)
            json.member("tags") { json in json.array([tag]) { $0.string($1) } }
            if !parameters.isEmpty {
                json.member("parameters") { json in json.array(parameters) { $1.write(to: &$0) } }
            }
            if let body {
                json.member("requestBody") { json in
                    json.object { json in
                        json.member("required", true)
                        Self.writeContent(body, to: &json)
                    }
                }
            }
            if isOpen { json.member("security") { $0.array([] as [String]) { $0.string($1) } } }
            json.member("responses") { writeResponses(to: &$0) }
        }
    }

    /// Such as `get_clients_clientid`.
    private var identifier: String {
        let words = path.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
        return ([method.rawValue.lowercased()] + words.map(String.init)).joined(separator: "_")
    }

    private func writeResponses(to json: inout JSONWriter) {
        json.object { json in
            json.member(answer == nil ? "204" : "200") { json in
                json.object { json in
                    json.member("description", summary)
                    if let answer { Self.writeContent(answer, to: &json) }
                }
            }
            var statuses = refusals.map(\.code) + [401, 403, 429, 500, 503]
            if !parameters.isEmpty || body != nil { statuses.append(400) }
            if body != nil { statuses += [413, 415] }
            for (status, schema) in others {
                statuses.removeAll { $0 == status.code }
                json.member("\(status.code)") { json in
                    json.object { json in
                        json.member("description", status.reasonPhrase)
                        Self.writeContent(schema, to: &json)
                    }
                }
            }
            for status in Set(statuses).sorted() {
                json.member("\(status)") { json in
                    json.object { json in
                        json.member("description", "Refused")
                        Self.writeContent(.named("Failure", APIFailure.schema), to: &json)
                    }
                }
            }
        }
    }

    private static func writeContent(_ schema: Schema, to json: inout JSONWriter) {
        json.member("content") { json in
            json.object { json in
                json.member("application/json") { json in
                    json.object { json in json.member("schema") { schema.write(to: &$0) } }
                }
            }
        }
    }
}

extension APIParameter {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("name", name)
            json.member("in", place.rawValue)
            json.member("required", place == .path)
            json.member("description", description)
            json.member("schema") { (isRepeated ? Schema.array(of: schema) : schema).write(to: &$0) }
        }
    }
}

extension Schema {
    fileprivate func collectNamed(into schemas: inout [String: Schema]) {
        switch self {
        case .named(let name, let schema):
            schemas[name] = schema
            schema.collectNamed(into: &schemas)
        case .optional(let schema), .array(let schema): schema.collectNamed(into: &schemas)
        case .anyOf(let several): for schema in several { schema.collectNamed(into: &schemas) }
        case .object(let properties, _): for property in properties { property.schema.collectNamed(into: &schemas) }
        case .string, .integer, .boolean: break
        }
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in writeMembers(to: &json) }
    }

    private func writeMembers(to json: inout JSONWriter) {
        switch self {
        case .named(let name, _): json.member("$ref", "#/components/schemas/\(name)")
        case .optional(.named(let name, _)):
            // A reference has no members of its own.
            json.member("nullable", true)
            json.member("allOf") { json in
                json.array([name]) { json, name in
                    json.object { $0.member("$ref", "#/components/schemas/\(name)") }
                }
            }
        case .optional(let schema):
            schema.writeMembers(to: &json)
            json.member("nullable", true)
        case .anyOf(let schemas):
            json.member("anyOf") { json in json.array(schemas) { $1.write(to: &$0) } }
        case .string(let form, let description):
            json.member("type", "string")
            form.write(to: &json)
            if let description { json.member("description", description) }
        case .integer(let range, let description):
            json.member("type", "integer")
            if let range {
                json.member("minimum", range.lowerBound)
                json.member("maximum", range.upperBound)
            }
            if let description { json.member("description", description) }
        case .boolean(let description):
            json.member("type", "boolean")
            if let description { json.member("description", description) }
        case .array(let schema):
            json.member("type", "array")
            json.member("items") { schema.write(to: &$0) }
        case .object(let properties, let isOpen): writeObject(properties, isOpen, to: &json)
        }
    }

    private func writeObject(_ properties: [Property], _ isOpen: Bool, to json: inout JSONWriter) {
        json.member("type", "object")
        json.member("additionalProperties", isOpen)
        let required = properties.filter(\.isRequired).map(\.name)
        if !required.isEmpty { json.member("required") { json in json.array(required) { $0.string($1) } } }
        json.member("properties") { json in
            json.object { json in
                for property in properties { json.member(property.name) { property.schema.write(to: &$0) } }
            }
        }
    }
}

extension String.Form {
    fileprivate func write(to json: inout JSONWriter) {
        switch self {
        case .any: break
        case .length(let range):
            json.member("minLength", range.lowerBound)
            json.member("maxLength", range.upperBound)
        case .oneOf(let allowed): json.member("enum") { json in json.array(allowed) { $0.string($1) } }
        case .dateTime: json.member("format", "date-time")
        }
    }
}
