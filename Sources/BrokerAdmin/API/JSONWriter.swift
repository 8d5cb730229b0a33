package import NIOCore

/// Writes JSON (RFC 8259) into a buffer as it comes, without a tree of values, since a list may have 10,000 rows.
package struct JSONWriter {
    package private(set) var octets = ByteBuffer()
    /// True if a comma is due before the next value or key.
    private var needsComma = false

    package init(capacity: Int = 1_024) { octets.reserveCapacity(capacity) }

    // MARK: Values

    package mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        open("{")
        try body(&self)
        close("}")
    }

    package mutating func array<Elements: Sequence>(
        _ elements: Elements,
        _ body: (inout JSONWriter, Elements.Element) throws -> Void
    ) rethrows {
        open("[")
        for element in elements { try body(&self, element) }
        close("]")
    }

    package mutating func string(_ value: String) {
        comma()
        quote(value)
        needsComma = true
    }

    package mutating func integer(_ value: some FixedWidthInteger) { raw(String(value)) }

    package mutating func boolean(_ value: Bool) { raw(value ? "true" : "false") }

    package mutating func null() { raw("null") }

    // MARK: Members of an object

    package mutating func member(_ name: String, _ body: (inout JSONWriter) throws -> Void) rethrows {
        comma()
        quote(name)
        octets.writeInteger(UInt8(ascii: ":"))
        needsComma = false
        try body(&self)
    }

    package mutating func member(_ name: String, _ value: String?) {
        member(name) { if let value { $0.string(value) } else { $0.null() } }
    }

    package mutating func member(_ name: String, _ value: Bool?) {
        member(name) { if let value { $0.boolean(value) } else { $0.null() } }
    }

    package mutating func member(_ name: String, _ value: (some FixedWidthInteger)?) {
        member(name) { if let value { $0.integer(value) } else { $0.null() } }
    }

    // MARK: Octets

    private mutating func comma() { if needsComma { octets.writeInteger(UInt8(ascii: ",")) } }

    private mutating func open(_ bracket: StaticString) {
        comma()
        octets.writeStaticString(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: StaticString) {
        octets.writeStaticString(bracket)
        needsComma = true
    }

    private mutating func raw(_ text: String) {
        comma()
        octets.writeString(text)
        needsComma = true
    }

    private mutating func quote(_ text: String) {
        octets.writeInteger(UInt8(ascii: "\""))
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            octets.writeString(text)
        } else {
            for octet in text.utf8 { escape(octet) }
        }
        octets.writeInteger(UInt8(ascii: "\""))
    }

    private mutating func escape(_ octet: UInt8) {
        switch octet {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): octets.writeBytes([UInt8(ascii: "\\"), octet])
        case UInt8(ascii: "\n"): octets.writeStaticString("\\n")
        case UInt8(ascii: "\r"): octets.writeStaticString("\\r")
        case UInt8(ascii: "\t"): octets.writeStaticString("\\t")
        case 0..<0x20:
            octets.writeString("\\u00" + (octet < 0x10 ? "0" : "") + String(octet, radix: 16))
        default: octets.writeInteger(octet)
        }
    }
}
