/// The content of a UTF-8 Encoded String (MQTT 5.0 §1.5.4).
enum UTF8Text {
    /// Valid, without wildcards.
    case plain
    /// Valid, with `+` or `#`: not a topic name.
    case wildcards
    /// Not well-formed UTF-8 (surrogates and overlong forms among it [MQTT-1.5.4-1]), or with U+0000 [MQTT-1.5.4-2].
    case invalid

    /// Checks `bytes[range]`; ASCII, as in most topics, eight octets at a time.
    @inline(__always)
    init(_ bytes: borrowing RawSpan, _ range: Range<Int>) {
        var offset = range.lowerBound
        let end = range.upperBound
        while end - offset >= 8 {
            let word = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard Self.isPlain(word) else {
                self = Self.slow(bytes, offset..<end)
                return
            }
            offset += 8
        }
        if end - offset > 0 {
            guard Self.isPlain(Self.word(bytes, offset..<end)) else {
                self = Self.slow(bytes, offset..<end)
                return
            }
        }
        self = .plain
    }

    /// True if all eight octets are ASCII, and none is 0, `+` or `#`. Adding 0x7F sets the high bit of each ASCII octet that is
    /// not 0.
    @inline(__always)
    private static func isPlain(_ word: UInt64) -> Bool {
        let high: UInt64 = 0x8080_8080_8080_8080
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        let noPlus = (word ^ 0x2B2B_2B2B_2B2B_2B2B) &+ low
        let noHash = (word ^ 0x2323_2323_2323_2323) &+ low
        return (word &+ low) & noPlus & noHash & ~word & high == high
    }

    /// One to seven octets, filled up to eight with a plain octet.
    @inline(__always)
    private static func word(_ bytes: borrowing RawSpan, _ range: Range<Int>) -> UInt64 {
        let count = range.count
        let start = range.lowerBound
        if count >= 4 {
            // Two halves that overlap: some octets are checked twice.
            let first = bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self)
            let last = bytes.unsafeLoadUnaligned(fromByteOffset: range.upperBound - 4, as: UInt32.self)
            return UInt64(first) | UInt64(last) << 32
        }
        let first = bytes.unsafeLoad(fromByteOffset: start, as: UInt8.self)
        let middle = bytes.unsafeLoad(fromByteOffset: start + count / 2, as: UInt8.self)
        let last = bytes.unsafeLoad(fromByteOffset: range.upperBound - 1, as: UInt8.self)
        return 0x7878_7878_7800_0000 | UInt64(first) | UInt64(middle) << 8 | UInt64(last) << 16
    }

    /// One scalar at a time, by the table of well-formed sequences (Unicode 3.9, table 3-7).
    @inline(never)
    private static func slow(_ bytes: borrowing RawSpan, _ range: Range<Int>) -> Self {
        var verdict = Self.plain
        var offset = range.lowerBound
        while offset < range.upperBound {
            let octet = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            offset += 1
            // The number of octets that continue the scalar, and the range of the first of them.
            let continuations: Int
            var second: ClosedRange<UInt8> = 0x80...0xBF
            switch octet {
            case 0: return .invalid
            case UInt8(ascii: "+"), UInt8(ascii: "#"):
                verdict = .wildcards
                continuations = 0
            case 0x01...0x7F: continuations = 0
            case 0xC2...0xDF: continuations = 1
            case 0xE0...0xEF:
                continuations = 2
                if octet == 0xE0 { second = 0xA0...0xBF }
                if octet == 0xED { second = 0x80...0x9F }
            case 0xF0...0xF4:
                continuations = 3
                if octet == 0xF0 { second = 0x90...0xBF }
                if octet == 0xF4 { second = 0x80...0x8F }
            default: return .invalid
            }
            guard range.upperBound - offset >= continuations else { return .invalid }
            for index in 0..<continuations {
                let next = bytes.unsafeLoad(fromByteOffset: offset + index, as: UInt8.self)
                guard (index == 0 ? second : 0x80...0xBF).contains(next) else { return .invalid }
            }
            offset += continuations
        }
        return verdict
    }
}
