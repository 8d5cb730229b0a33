import MQTTCodec
import NIOCore

/// The format in which `martlet sub` prints a message (`-F`), with the fields and escapes of `mosquitto_sub`.
struct MessageFormat {
    /// Text between fields, or a field.
    private enum Part {
        case text([UInt8])
        case field(Character)
    }

    private let parts: [Part]

    private static let fields = "tpqrlimdxXUPCRE"

    /// What a format contains that does not exist, such as `%z` or `\q`.
    struct Unknown: Error, CustomStringConvertible { let description: String }

    /// - Throws: `Unknown` if the format contains a field or an escape that does not exist.
    init(_ format: String) throws(Unknown) {
        var parts: [Part] = []
        var text: [UInt8] = []
        var rest = format[...]
        while let character = rest.popFirst() {
            switch character {
            case "%":
                guard let field = rest.popFirst() else { throw Unknown(description: "a % at its end") }
                if field == "%" {
                    text.append(UInt8(ascii: "%"))
                    continue
                }
                guard Self.fields.contains(field) else { throw Unknown(description: "%\(field)") }
                parts.append(.text(text))
                parts.append(.field(field))
                text = []
            case "\\":
                guard let escaped = rest.popFirst() else { throw Unknown(description: "a \\ at its end") }
                guard let octet = Self.escape(escaped) else { throw Unknown(description: "\\\(escaped)") }
                text.append(octet)
            default: text.append(contentsOf: String(character).utf8)
            }
        }
        parts.append(.text(text))
        self.parts = parts
    }

    /// The formatted message, without a newline.
    func octets(of message: Publish) -> [UInt8] {
        var octets: [UInt8] = []
        for part in parts {
            switch part {
            case .text(let text): octets += text
            case .field("t"): octets += message.topic.readableBytesView
            case .field("p"): octets += message.payload.readableBytesView
            case .field(let field): octets += Self.text(field, message).utf8
            }
        }
        return octets
    }

    private static func escape(_ character: Character) -> UInt8? {
        switch character {
        case "n": 0x0A
        case "t": 0x09
        case "r": 0x0D
        case "a": 0x07
        case "e": 0x1B
        case "v": 0x0B
        case "0": 0x00
        case "\\": 0x5C
        default: nil
        }
    }

    private static func text(_ field: Character, _ message: Publish) -> String {
        let properties = message.properties.values
        switch field {
        case "q": return "\(message.qos.rawValue)"
        case "r": return message.retain ? "1" : "0"
        case "d": return message.isDuplicate ? "1" : "0"
        case "l": return "\(message.payload.readableBytes)"
        case "i", "m": return "\(message.packetIdentifier)"
        case "x", "X": return hex(message.payload, uppercase: field == "X")
        case "U": return "\(Terminal.unixTime)"
        case "C": return properties.contentType ?? ""
        case "R": return properties.responseTopic ?? ""
        case "E": return properties.messageExpiryInterval.map { "\($0)" } ?? ""
        case "P": return properties.userProperties.map { "\($0.name):\($0.value)" }.joined(separator: " ")
        default: return ""
        }
    }

    private static func hex(_ payload: ByteBuffer, uppercase: Bool) -> String {
        payload.readableBytesView.map { octet in
            let digits = String(octet, radix: 16, uppercase: uppercase)
            return digits.count == 1 ? "0\(digits)" : digits
        }.joined()
    }
}
