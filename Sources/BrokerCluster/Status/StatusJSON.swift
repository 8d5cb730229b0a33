package import Foundation
package import NIOCore

/// How what nodes say of themselves is JSON: keys in snake_case and in order. Keys of a later version are passed over.
package enum StatusJSON {
    package static func write(_ value: some Encodable, isPretty: Bool = false) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return try encoder.encode(value)
    }

    package static func read<Value: Decodable>(_ type: Value.Type, from json: ByteBuffer) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(json.readableBytesView))
    }
}
