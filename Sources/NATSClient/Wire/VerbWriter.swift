package import NIOCore

extension ByteBuffer {
    /// Writes a verb whose subjects have no spaces or line breaks, such as a decoder's or those of `Subject`.
    package mutating func write(_ verb: Verb) {
        switch verb {
        case .info(let json): writeLine("INFO ", json)
        case .connect(let connect): writeLine("CONNECT ", connect.json)
        case .publish(let publication):
            writePublishLine(publication)
            writeContent(publication)
        case .subscribe(let subject, let queueGroup, let identifier):
            writeStaticString("SUB ")
            writeImmutableBuffer(subject)
            if let queueGroup {
                writeStaticString(" ")
                writeImmutableBuffer(queueGroup)
            }
            writeStaticString(" ")
            writeDecimal(identifier)
            writeStaticString("\r\n")
        case .unsubscribe(let identifier, let after):
            writeStaticString("UNSUB ")
            writeDecimal(identifier)
            if let after {
                writeStaticString(" ")
                writeDecimal(after)
            }
            writeStaticString("\r\n")
        case .message(let identifier, let publication):
            writeStaticString(publication.headers == nil ? "MSG " : "HMSG ")
            writeImmutableBuffer(publication.subject)
            writeStaticString(" ")
            writeDecimal(identifier)
            writeReplyAndSizes(publication)
            writeContent(publication)
        case .ping: writeStaticString("PING\r\n")
        case .pong: writeStaticString("PONG\r\n")
        case .ok: writeStaticString("+OK\r\n")
        case .error(let text):
            writeStaticString("-ERR '")
            writeImmutableBuffer(text)
            writeStaticString("'\r\n")
        }
    }

    /// The control line of PUB or HPUB. The headers, the payload and CR LF are to follow.
    mutating func writePublishLine(_ publication: Publication) {
        writeStaticString(publication.headers == nil ? "PUB " : "HPUB ")
        writeImmutableBuffer(publication.subject)
        writeReplyAndSizes(publication)
    }

    private mutating func writeReplyAndSizes(_ publication: Publication) {
        if let replyTo = publication.replyTo {
            writeStaticString(" ")
            writeImmutableBuffer(replyTo)
        }
        writeStaticString(" ")
        let headers = publication.headers?.octets.readableBytes
        if let headers {
            writeDecimal(UInt64(headers))
            writeStaticString(" ")
        }
        writeDecimal(UInt64((headers ?? 0) + publication.payload.readableBytes))
        writeStaticString("\r\n")
    }

    private mutating func writeContent(_ publication: Publication) {
        if let headers = publication.headers { writeImmutableBuffer(headers.octets) }
        writeImmutableBuffer(publication.payload)
        writeStaticString("\r\n")
    }

    private mutating func writeLine(_ name: StaticString, _ json: ByteBuffer) {
        writeStaticString(name)
        writeImmutableBuffer(json)
        writeStaticString("\r\n")
    }

    /// Writes a number in decimal digits.
    mutating func writeDecimal(_ number: UInt64) {
        var divisor: UInt64 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            writeInteger(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}
