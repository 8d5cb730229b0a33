package import NIOCore

/// Decodes the octets of one connection, as they arrive, into verbs (NATS client protocol).
///
/// Nothing is copied or reserved for a verb that is incomplete, and another attempt costs a look at one control line, however many
/// octets have arrived.
package struct VerbDecoder: Sendable {
    /// The side that receives: only PING and PONG come from both.
    package enum Role: Sendable { case client, server }

    package let role: Role
    package let limits: VerbLimits

    package init(role: Role, limits: VerbLimits = VerbLimits()) {
        self.role = role
        self.limits = limits
    }

    /// The next whole verb. While it is incomplete, returns `nil` and leaves the reader index at its first octet.
    package func next(from buffer: inout ByteBuffer) throws(VerbError) -> Verb? {
        guard let (verb, size) = try first(of: buffer) else { return nil }
        buffer.moveReaderIndex(forwardBy: size)
        return verb
    }

    /// The first verb and its octets.
    private func first(of buffer: ByteBuffer) throws(VerbError) -> (Verb, size: Int)? {
        let bytes = buffer.readableBytesUInt8Span
        guard let line = try ControlLine(bytes, limits: limits) else { return nil }
        switch (line.name, role) {
        case (.ping, _): return (.ping, line.size)
        case (.pong, _): return (.pong, line.size)
        case (.ok, .client): return (.ok, line.size)
        case (.info, .client): return (.info(try slice(line.rest, of: buffer)), line.size)
        case (.error, .client): return (.error(try slice(line.quoted(in: bytes), of: buffer)), line.size)
        case (.message, .client), (.headedMessage, .client):
            guard let content = try content(line, of: buffer, replyAt: 2) else { return nil }
            guard let identifier = bytes.number(in: content.fields[1]) else { throw .number }
            return (.message(identifier: identifier, try publication(content, of: buffer)), content.end)
        case (.publish, .server), (.headedPublish, .server):
            guard let content = try content(line, of: buffer, replyAt: 1) else { return nil }
            return (.publish(try publication(content, of: buffer)), content.end)
        case (.connect, .server):
            return (.connect(ConnectOctets(json: try slice(line.rest, of: buffer))), line.size)
        case (.subscribe, .server): return (try subscribe(line, buffer), line.size)
        case (.unsubscribe, .server): return (try unsubscribe(line, buffer), line.size)
        default: throw VerbError("a verb that this side does not receive")
        }
    }

    /// Where the parts of a message are, and where it ends, from the reader index.
    private struct Content {
        let fields: ControlLine.Fields
        let replyTo: Range<Int>?
        let headers: Range<Int>?
        let payload: Range<Int>
        let end: Int
    }

    /// Reads the control line of PUB, HPUB, MSG or HMSG, whose first field is the subject and whose last ones are sizes. `nil` while the
    /// payload is incomplete.
    ///
    /// - Parameter reply: the field of the reply subject, if there is one.
    private func content(
        _ line: ControlLine,
        of buffer: ByteBuffer,
        replyAt reply: Int
    ) throws(VerbError) -> Content? {
        let bytes = buffer.readableBytesUInt8Span
        let fields = try line.fields(in: bytes)
        let sizes = line.name == .headedMessage || line.name == .headedPublish ? 2 : 1
        let hasReply = fields.count == reply + 1 + sizes
        guard hasReply || fields.count == reply + sizes else { throw .fields }
        guard let total = bytes.number(in: fields[fields.count - 1]) else { throw .number }
        guard total <= limits.payload else { throw VerbError("a message over the maximum payload") }
        var headers = 0
        if sizes == 2 {
            guard let size = bytes.number(in: fields[fields.count - 2]), size <= total else { throw .number }
            guard size <= limits.headers else { throw VerbError("headers over their maximum size") }
            headers = Int(size)
        }
        let end = line.size + Int(total)
        guard bytes.count >= end + 2 else { return nil }
        guard bytes[end] == Octet.carriageReturn, bytes[end + 1] == Octet.lineFeed else {
            throw VerbError("a payload that does not end where it should")
        }
        let start = line.size + headers
        return Content(
            fields: fields,
            replyTo: hasReply ? fields[reply] : nil,
            headers: sizes == 2 ? line.size..<start : nil,
            payload: start..<end,
            end: end + 2
        )
    }

    private func publication(_ content: Content, of buffer: ByteBuffer) throws(VerbError) -> Publication {
        var headers: HeaderBlock?
        if let range = content.headers {
            headers = HeaderBlock(octets: try slice(range, of: buffer))
            guard headers != nil else { throw VerbError("headers that have not the form of NATS/1.0") }
        }
        var reply: ByteBuffer?
        if let replyTo = content.replyTo { reply = try slice(replyTo, of: buffer) }
        return Publication(
            subject: try slice(content.fields[0], of: buffer),
            replyTo: reply,
            headers: headers,
            payload: try slice(content.payload, of: buffer)
        )
    }

    private func subscribe(_ line: ControlLine, _ buffer: ByteBuffer) throws(VerbError) -> Verb {
        let bytes = buffer.readableBytesUInt8Span
        let fields = try line.fields(in: bytes)
        guard fields.count == 2 || fields.count == 3 else { throw .fields }
        guard let identifier = bytes.number(in: fields[fields.count - 1]) else { throw .number }
        var group: ByteBuffer?
        if fields.count == 3 { group = try slice(fields[1], of: buffer) }
        return .subscribe(subject: try slice(fields[0], of: buffer), queueGroup: group, identifier: identifier)
    }

    private func unsubscribe(_ line: ControlLine, _ buffer: ByteBuffer) throws(VerbError) -> Verb {
        let bytes = buffer.readableBytesUInt8Span
        let fields = try line.fields(in: bytes)
        guard fields.count == 1 || fields.count == 2 else { throw .fields }
        guard let identifier = bytes.number(in: fields[0]) else { throw .number }
        guard fields.count == 2 else { return .unsubscribe(identifier: identifier, after: nil) }
        guard let after = bytes.number(in: fields[1]) else { throw .number }
        return .unsubscribe(identifier: identifier, after: after)
    }

    private func slice(_ range: Range<Int>, of buffer: ByteBuffer) throws(VerbError) -> ByteBuffer {
        guard let slice = buffer.getSlice(at: buffer.readerIndex + range.lowerBound, length: range.count) else {
            throw .fields
        }
        return slice
    }
}

extension VerbError {
    static var fields: Self { VerbError("a verb with too few or too many fields") }
    static var number: Self { VerbError("a number that is none, or out of range") }
}
