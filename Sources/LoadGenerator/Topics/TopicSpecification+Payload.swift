import NIOCore

extension TopicSpecification {
    /// A client's payloads: encoded once, but for the time that each message has.
    func source(for identity: ClientIdentity, headers: [PayloadHeader]) -> PayloadSource {
        // The time is written last, behind what stays the same.
        var fields = payload
        if timestampUnit != nil { fields[Self.timestampKey] = nil }
        switch encoding {
        case .json:
            if let render, case .string(let template)? = fields[render] {
                fields[render] = .string(PaddingPages(template)?.text ?? rendered(template, identity))
            }
            let text = JSONValue.object(fields).text
            guard let timestampUnit else { return PayloadSource(.fixed(ByteBuffer(string: text)), headers: []) }
            let head = text.dropLast() + (fields.isEmpty ? "" : ",") + "\"\(Self.timestampKey)\":"
            // Nothing precedes a JSON text, or it were none.
            return PayloadSource(
                .stamped(StampedPayload(head: ByteBuffer(substring: head), unit: timestampUnit, form: .json)),
                headers: []
            )
        case .eterm:
            let head = term(fields, identity)
            guard let timestampUnit else { return PayloadSource(.fixed(head), headers: headers) }
            return PayloadSource(
                .stamped(StampedPayload(head: head, unit: timestampUnit, form: .eterm)),
                headers: headers
            )
        }
    }

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
            let bytes = PaddingPages(template)?.octets ?? ByteBuffer(string: rendered(template, identity))
            ErlangTerm.writeBinary(bytes, into: &buffer)
        }
        if timestampUnit != nil { ErlangTerm.writeBinary(ByteBuffer(string: Self.timestampKey), into: &buffer) }
        return buffer
    }

    /// Variables are replaced wherever they stand.
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

/// A payload that differs from the one before in its time alone, which stands at its end.
struct StampedPayload: Sendable {
    let head: ByteBuffer
    /// Nanoseconds.
    let unit: Nanoseconds
    let form: TopicSpecification.Encoding

    func write(into buffer: inout ByteBuffer, now: Nanoseconds) {
        buffer.writeImmutableBuffer(head)
        switch form {
        case .json: buffer.writeString("\(now / unit)}")
        case .eterm: ErlangTerm.writeInteger(Int64(clamping: now / unit), into: &buffer)
        }
    }
}
