/// The first line of a verb: its name, and the fields behind it, which spaces or tabs separate.
struct ControlLine {
    /// The name of a verb, which may be written in either case: its letters in one number.
    enum Name: UInt64, CaseIterable {
        case info = 0x494E_464F
        case connect = 0x43_4F4E_4E45_4354
        case publish = 0x50_5542
        case headedPublish = 0x4850_5542
        case subscribe = 0x53_5542
        case unsubscribe = 0x55_4E53_5542
        case message = 0x4D_5347
        case headedMessage = 0x484D_5347
        case ping = 0x5049_4E47
        case pong = 0x504F_4E47
        case ok = 0x2B_4F4B
        case error = 0x2D45_5252

        /// Whether the line is JSON, and may be longer.
        var isJSON: Bool { self == .info || self == .connect }

        /// Octets of the longest name.
        static let longest = 7

        /// The name that the octets begin with, and its length; `nil` while they may become one.
        static func read(from bytes: borrowing Span<UInt8>) throws(VerbError) -> (name: Self, size: Int)? {
            var value: UInt64 = 0
            var size = 0
            while size < bytes.count, !bytes[size].isSeparator {
                guard size < longest else { throw .unknown }
                let octet = bytes[size]
                let isLower = octet >= UInt8(ascii: "a") && octet <= UInt8(ascii: "z")
                value = value << 8 | UInt64(isLower ? octet - 32 : octet)
                size += 1
            }
            guard size < bytes.count else { return nil }
            guard let name = Self(rawValue: value) else { throw .unknown }
            return (name, size)
        }
    }

    let name: Name
    /// What follows the name up to CR LF, without the space around it.
    let rest: Range<Int>
    /// Octets of the whole line.
    let size: Int

    /// The places of the fields behind the name, without an allocation.
    struct Fields {
        /// The most fields of any verb: those of HMSG.
        private static let most = 5
        private var places = InlineArray<5, Range<Int>>(repeating: 0..<0)
        private(set) var count = 0

        mutating func append(_ place: Range<Int>) throws(VerbError) {
            guard count < Self.most else { throw .fields }
            places[count] = place
            count += 1
        }

        subscript(_ index: Int) -> Range<Int> { places[index] }
    }

    /// The first line of the octets, or `nil` while it is incomplete and may still become one.
    init?(_ bytes: borrowing Span<UInt8>, limits: VerbLimits) throws(VerbError) {
        guard let (name, start) = try Name.read(from: bytes) else { return nil }
        let limit = name.isJSON ? max(limits.jsonLine, limits.controlLine) : limits.controlLine
        var end = start
        while end < min(bytes.count, limit), bytes[end] != Octet.lineFeed { end += 1 }
        guard end < limit else { throw VerbError("a control line over its maximum length") }
        guard end < bytes.count else { return nil }
        guard bytes[end - 1] == Octet.carriageReturn else { throw VerbError("a line feed without a carriage return") }
        var rest = start..<(end - 1)
        while !rest.isEmpty, bytes[rest.lowerBound].isSeparator { rest = (rest.lowerBound + 1)..<rest.upperBound }
        while !rest.isEmpty, bytes[rest.upperBound - 1].isSeparator { rest = rest.lowerBound..<(rest.upperBound - 1) }
        self.name = name
        self.rest = rest
        size = end + 1
    }

    /// The fields behind the name.
    func fields(in bytes: borrowing Span<UInt8>) throws(VerbError) -> Fields {
        var fields = Fields()
        var index = rest.lowerBound
        while index < rest.upperBound {
            let start = index
            while index < rest.upperBound, !bytes[index].isSeparator { index += 1 }
            try fields.append(start..<index)
            while index < rest.upperBound, bytes[index].isSeparator { index += 1 }
        }
        return fields
    }

    /// What follows the name, without quotation marks around it.
    func quoted(in bytes: borrowing Span<UInt8>) -> Range<Int> {
        guard rest.count >= 2, bytes[rest.lowerBound] == Octet.quote, bytes[rest.upperBound - 1] == Octet.quote else {
            return rest
        }
        return (rest.lowerBound + 1)..<(rest.upperBound - 1)
    }
}

extension UInt8 {
    /// True for what separates fields, and for the end of a line.
    fileprivate var isSeparator: Bool {
        self == Octet.space || self == Octet.tab || self == Octet.carriageReturn || self == Octet.lineFeed
    }
}

extension VerbError {
    fileprivate static var unknown: Self { VerbError("an unknown verb") }
}
