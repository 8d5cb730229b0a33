import Foundation
package import NIOCore

/// A JSON value (RFC 8259) that somebody has sent.
package indirect enum JSONValue: Sendable, Equatable, Decodable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// - Returns: `nil` for octets that are no JSON. How deep values are nested is bounded by Foundation, to 512.
    package static func read(_ octets: ByteBuffer) -> JSONValue? {
        try? JSONDecoder().decode(JSONValue.self, from: Data(octets.readableBytesView))
    }

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let boolean = try? value.decode(Bool.self) {
            self = .boolean(boolean)
        } else if let integer = try? value.decode(Int.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    package var string: String? { if case .string(let string) = self { string } else { nil } }
    package var integer: Int? { if case .integer(let integer) = self { integer } else { nil } }
    package var boolean: Bool? { if case .boolean(let boolean) = self { boolean } else { nil } }
    package var array: [JSONValue]? { if case .array(let array) = self { array } else { nil } }

    /// A member of an object; `nil` if it is missing, or null.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self, let member = members[name], member != .null else { return nil }
        return member
    }
}
