package import NIOCore

/// The headers of a message: a line with the version and perhaps a status, lines of names and values, and an empty line.
///
/// `octets` are as on the wire, and are searched when a value is asked for.
package struct HeaderBlock: Equatable, Sendable {
    package let octets: ByteBuffer

    static let version = "NATS/1.0"

    /// Headers as they were read, or `nil` if they have not the form.
    init?(octets: ByteBuffer) {
        let bytes = octets.readableBytesUInt8Span
        let version = Self.version.utf8
        guard bytes.count >= version.count + 4 else { return nil }
        for (index, octet) in version.enumerated() where bytes[index] != octet { return nil }
        let after = bytes[version.count]
        guard after == Octet.carriageReturn || after == Octet.space, bytes.endsWithEmptyLine else { return nil }
        self.octets = octets
    }

    /// - Parameter fields: names and values without line breaks; those with one are left out.
    package init(_ fields: [(name: String, value: String)]) {
        var octets = ByteBuffer()
        octets.writeString("\(Self.version)\r\n")
        for (name, value) in fields where !name.isEmpty && !name.utf8.contains(Octet.colon) {
            guard !(name + value).utf8.contains(where: { $0 == Octet.lineFeed || $0 == Octet.carriageReturn }) else {
                continue
            }
            octets.writeString("\(name): \(value)\r\n")
        }
        octets.writeString("\r\n")
        self.octets = octets
    }

    /// The status in the first line, 100 to 999, as the server's own messages have one: 100 idle heartbeat or flow control, 404 no
    /// message, 503 no responders.
    package var status: UInt16? {
        let bytes = octets.readableBytesUInt8Span
        let start = Self.version.utf8.count + 1
        guard bytes.count >= start + 5, bytes[start - 1] == Octet.space else { return nil }
        guard bytes[start + 3] == Octet.space || bytes[start + 3] == Octet.carriageReturn else { return nil }
        guard let status = bytes.number(in: start..<(start + 3)), status >= 100 else { return nil }
        return UInt16(status)
    }

    /// The text behind the status.
    package var statusText: String {
        let line = String(decoding: octets.readableBytesView.prefix { $0 != Octet.carriageReturn }, as: UTF8.self)
        return line.dropFirst(Self.version.utf8.count + 4).trimmingSpaces
    }

    /// The value of the first field with a name, which is compared as it is written.
    package func value(of name: String) -> String? {
        for line in octets.readableBytesView.split(separator: Octet.lineFeed).dropFirst() {
            guard let colon = line.firstIndex(of: Octet.colon), line[..<colon].elementsEqual(name.utf8) else {
                continue
            }
            let value = line[line.index(after: colon)...].prefix { $0 != Octet.carriageReturn }
            return String(decoding: value, as: UTF8.self)[...].trimmingSpaces
        }
        return nil
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        let start = drop { $0 == " " }
        return String(
            start.prefix(upTo: start.lastIndex { $0 != " " }.map { start.index(after: $0) } ?? start.startIndex)
        )
    }
}

extension Span<UInt8> {
    /// True if the last four octets are CR LF CR LF.
    fileprivate var endsWithEmptyLine: Bool {
        count >= 4 && self[count - 4] == Octet.carriageReturn && self[count - 3] == Octet.lineFeed
            && self[count - 2] == Octet.carriageReturn && self[count - 1] == Octet.lineFeed
    }
}
