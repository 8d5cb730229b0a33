/// The value of an attribute in a distinguished name (X.520 DirectoryString, and the other character strings of ASN.1).
enum DirectoryString {
    private static let longForm: UInt8 = 0x80

    /// Reads a value as text.
    ///
    /// - Parameter der: tag, length and content (X.690), and nothing else.
    /// - Returns: `nil` for another type, octets that the type does not allow, an empty text, and a text with U+0000, which no
    ///   string of MQTT may hold [MQTT-1.5.4-2].
    static func text(der: [UInt8]) -> String? {
        guard let tag = der.first, let content = content(der.dropFirst()), let text = text(tag, content),
            !text.isEmpty, !text.unicodeScalars.contains("\0")
        else { return nil }
        return text
    }

    private static func content(_ octets: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let first = octets.first else { return nil }
        var rest = octets.dropFirst()
        var count = Int(first)
        if first >= longForm {
            let digits = Int(first & ~longForm)
            // Two octets of length are more than any name needs.
            guard (1...2).contains(digits), rest.count >= digits else { return nil }
            count = rest.prefix(digits).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(digits)
        }
        return rest.count == count ? rest : nil
    }

    private static func text(_ tag: UInt8, _ content: ArraySlice<UInt8>) -> String? {
        switch tag {
        case 0x0c:  // UTF8String
            return String(validating: content, as: UTF8.self)
        case 0x12, 0x13, 0x16, 0x1a:  // NumericString, PrintableString, IA5String, VisibleString
            return content.allSatisfy { $0 < 0x80 } ? String(decoding: content, as: UTF8.self) : nil
        case 0x14:  // TeletexString: T.61 by the standard, ISO 8859-1 in all that use it
            return String(String.UnicodeScalarView(content.map { Unicode.Scalar($0) }))
        case 0x1e:  // BMPString
            return units(content, UInt16.self).flatMap { String(validating: $0, as: UTF16.self) }
        case 0x1c:  // UniversalString
            return units(content, UInt32.self).flatMap { String(validating: $0, as: UTF32.self) }
        default:
            return nil
        }
    }

    /// The big-endian numbers that `octets` consist of; `nil` if an octet is left over.
    private static func units<Unit: FixedWidthInteger>(_ octets: ArraySlice<UInt8>, _: Unit.Type) -> [Unit]? {
        let width = MemoryLayout<Unit>.size
        guard octets.count.isMultiple(of: width) else { return nil }
        return stride(from: octets.startIndex, to: octets.endIndex, by: width).map { start in
            octets[start..<start + width].reduce(0) { $0 << 8 | Unit($1) }
        }
    }
}
