internal import CNgtcp2

/// The fields of a ClientHello that concern resumption.
struct ResumptionOffer {
    /// True if the client can use a session ticket (psk_key_exchange_modes, RFC 8446 §4.2.9).
    private(set) var takesTickets = false
    /// The name in the first ticket that the client shows (pre_shared_key, RFC 8446 §4.2.11).
    private(set) var keyName: TicketKeyName?

    /// The types of extensions that are read (RFC 8446 §4.2).
    private enum Extension {
        static let preSharedKey: UInt32 = 41
        static let keyExchangeModes: UInt32 = 45
    }

    /// Reads a ClientHello. A malformed one offers nothing here; the TLS library refuses it afterwards.
    init(_ message: UnsafePointer<gnutls_datum_t>) {
        unsafe withUnsafeMutablePointer(to: &self) { offer in
            _ = unsafe gnutls_ext_raw_parse(
                offer,
                { offer, type, data, count in
                    let octets = unsafe UnsafeRawBufferPointer(start: data, count: Int(count))
                    unsafe offer?.assumingMemoryBound(to: ResumptionOffer.self).pointee.read(type, octets)
                    return 0
                },
                message,
                UInt32(GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO)
            )
        }
    }

    private mutating func read(_ type: UInt32, _ octets: UnsafeRawBufferPointer) {
        switch type {
        case Extension.keyExchangeModes:
            self.takesTickets = true
        case Extension.preSharedKey:
            // The length of all identities, the length of the first one, the first one.
            guard octets.count > 4 else { return }
            let count = unsafe Int(UInt16(bigEndian: octets.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            unsafe self.keyName = TicketKeyName(UnsafeRawBufferPointer(rebasing: octets.dropFirst(4).prefix(count)))
        default:
            break
        }
    }
}

/// A NewSessionTicket (RFC 8446 §4.6.1).
struct SentTicket {
    /// Lifetime in seconds.
    let lifetime: UInt32
    let keyName: TicketKeyName?
    let allowsEarlyData: Bool

    private static let earlyDataExtension: UInt16 = 42

    init?(_ message: UnsafeRawBufferPointer) {
        var reader = unsafe OctetReader(message)
        guard let lifetime = reader.integer(UInt32.self), reader.integer(UInt32.self) != nil,
            let nonceCount = reader.integer(UInt8.self), unsafe reader.octets(Int(nonceCount)) != nil,
            let ticketCount = reader.integer(UInt16.self), let ticket = unsafe reader.octets(Int(ticketCount)),
            reader.integer(UInt16.self) != nil
        else { return nil }
        var allowsEarlyData = false
        while let type = reader.integer(UInt16.self), let count = reader.integer(UInt16.self),
            let value = unsafe reader.octets(Int(count))
        {
            guard type == Self.earlyDataExtension else { continue }
            var size = unsafe OctetReader(value)
            // Any other maximum size of early data is a protocol violation (RFC 9001 §4.6.1).
            allowsEarlyData = size.integer(UInt32.self) == UInt32.max
        }
        self.lifetime = lifetime
        unsafe self.keyName = TicketKeyName(ticket)
        self.allowsEarlyData = allowsEarlyData
    }

    /// The name in a ticket that the TLS library sends, from the handshake message with its header.
    static func keyName(_ message: UnsafePointer<gnutls_datum_t>) -> TicketKeyName? {
        let octets = unsafe UnsafeRawBufferPointer(start: message.pointee.data, count: Int(message.pointee.size))
        let isHeaded = unsafe octets.first == UInt8(GNUTLS_HANDSHAKE_NEW_SESSION_TICKET.rawValue)
        let body = unsafe isHeaded ? UnsafeRawBufferPointer(rebasing: octets.dropFirst(4)) : octets
        return unsafe SentTicket(body)?.keyName
    }
}

/// Reads integers and octets in network order.
@safe private struct OctetReader {
    private var rest: UnsafeRawBufferPointer

    init(_ octets: UnsafeRawBufferPointer) {
        unsafe self.rest = octets
    }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
        guard let octets = unsafe self.octets(MemoryLayout<Value>.size) else { return nil }
        return unsafe Value(bigEndian: octets.loadUnaligned(as: Value.self))
    }

    mutating func octets(_ count: Int) -> UnsafeRawBufferPointer? {
        guard unsafe count <= self.rest.count else { return nil }
        defer { unsafe self.rest = UnsafeRawBufferPointer(rebasing: self.rest.dropFirst(count)) }
        return unsafe UnsafeRawBufferPointer(rebasing: self.rest.prefix(count))
    }
}
