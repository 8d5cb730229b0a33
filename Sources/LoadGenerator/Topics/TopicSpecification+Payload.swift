import NIOCore

extension TopicSpecification {
    /// True if the payloads of all clients are the same but for their time.
    var isSameForAllClients: Bool {
        guard let render, case .string(let template)? = payload[render] else { return true }
        return PaddingPages(template) != nil || !(template.contains("%i") || template.contains("%c"))
    }

    /// The payload of a client, encoded up to the time, which differs with each message.
    ///
    /// - Parameter identity: any client's where ``isSameForAllClients``.
    func body(for identity: ClientIdentity) -> PayloadSource.Body {
        var fields = payload
        // The time is written last, behind the constant part.
        if timestampUnit != nil { fields[Self.timestampKey] = nil }
        let head: ByteBuffer =
            switch encoding {
            case .json: text(fields, identity)
            case .eterm: term(fields, identity)
            }
        guard let timestampUnit else { return .fixed(head) }
        return .stamped(StampedPayload(head: head, unit: timestampUnit, form: encoding))
    }

    /// The headers in front of the payload: none for JSON, which would not be valid JSON behind them.
    func headers(_ headers: [PayloadHeader]) -> [PayloadHeader] {
        encoding == .json ? [] : headers
    }

    /// A JSON object; with a time, up to the time.
    private func text(_ fields: [String: JSONValue], _ identity: ClientIdentity) -> ByteBuffer {
        var buffer = ByteBuffer()
        var separator = "{"
        func write(key: String) {
            buffer.writeString(separator + JSONValue.quoted(key) + ":")
            separator = ","
        }
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            write(key: key)
            guard key == render, case .string(let template) = value else {
                buffer.writeString(value.text)
                continue
            }
            guard let pages = PaddingPages(template) else {
                buffer.writeString(JSONValue.quoted(rendered(template, identity)))
                continue
            }
            buffer.writeInteger(UInt8(ascii: "\""))
            pages.writeLetters(into: &buffer)
            buffer.writeInteger(UInt8(ascii: "\""))
        }
        if timestampUnit != nil {
            write(key: Self.timestampKey)
        } else {
            buffer.writeString(fields.isEmpty ? "{}" : "}")
        }
        return buffer
    }

    /// A map in Erlang's external term format; with a time, up to the time.
    private func term(_ fields: [String: JSONValue], _ identity: ClientIdentity) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(ErlangTerm.version)
        ErlangTerm.writeMapHeader(count: fields.count + (timestampUnit == nil ? 0 : 1), into: &buffer)
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            ErlangTerm.writeBinary(ByteBuffer(string: key), into: &buffer)
            guard key == render, case .string(let template) = value else {
                ErlangTerm.write(value, into: &buffer)
                continue
            }
            guard let pages = PaddingPages(template) else {
                ErlangTerm.writeBinary(ByteBuffer(string: rendered(template, identity)), into: &buffer)
                continue
            }
            ErlangTerm.writeBinaryHeader(size: pages.size, into: &buffer)
            pages.writeNumbers(into: &buffer)
        }
        if timestampUnit != nil { ErlangTerm.writeBinary(ByteBuffer(string: Self.timestampKey), into: &buffer) }
        return buffer
    }

    /// `%i` and `%c` replaced by the client's number and identifier.
    private func rendered(_ template: String, _ identity: ClientIdentity) -> String {
        var text = ""
        var rest = template[...]
        while let character = rest.first {
            if rest.hasPrefix("%i") {
                text += "\(identity.number)"
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix("%c") {
                text += identity.clientIdentifier
                rest = rest.dropFirst(2)
            } else {
                text.append(character)
                rest = rest.dropFirst()
            }
        }
        return text
    }
}

/// A payload that ends with the time of publishing and is otherwise constant.
struct StampedPayload: Sendable {
    /// Everything before the time.
    let head: ByteBuffer
    /// Nanoseconds.
    let unit: Nanoseconds
    let form: TopicSpecification.Encoding

    /// Appends the time and the end of the payload.
    func writeTime(into buffer: inout ByteBuffer, now: Nanoseconds) {
        switch form {
        case .json: buffer.writeString("\(now / unit)}")
        case .eterm: ErlangTerm.writeInteger(Int64(clamping: now / unit), into: &buffer)
        }
    }
}
