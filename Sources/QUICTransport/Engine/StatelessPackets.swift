internal import CNgtcp2

/// Packets that are written without a connection, and the tokens of stateless resets.
enum StatelessPackets {
    /// Writes the reset token of one of this endpoint's identifiers (RFC 9000 §10.3.2).
    static func writeResetToken(_ token: UnsafeMutablePointer<UInt8>, key: [UInt8], identifier: QUICConnectionID) {
        var cid = ngtcp2_cid(identifier)
        let status = unsafe key.withUnsafeBufferPointer {
            unsafe ngtcp2_crypto_generate_stateless_reset_token(token, $0.baseAddress, $0.count, &cid)
        }
        precondition(status == 0, "HKDF failed")
    }

    /// The shortest packet that a reset answers. A reset must be shorter than that packet (RFC 9000 §10.3.3), and not
    /// shorter than any packet that the peer could expect.
    static let leastTriggerCount = 39

    /// Writes a stateless reset that is shorter than the packet it answers. Returns its length, 0 for none.
    static func writeReset(
        into destination: UnsafeMutableRawBufferPointer,
        triggerCount: Int,
        key: [UInt8],
        identifier: QUICConnectionID
    ) -> Int {
        guard triggerCount >= self.leastTriggerCount else { return 0 }
        var token = [UInt8](repeating: 0, count: StatelessResetToken.count)
        unsafe token.withUnsafeMutableBufferPointer { bytes in
            if let start = bytes.baseAddress {
                unsafe self.writeResetToken(start, key: key, identifier: identifier)
            }
        }
        // Shorter than the packet it answers, and otherwise as long as a small packet.
        let random = RandomBytes.make(min(triggerCount - 1, 42) - token.count)
        let count = unsafe ngtcp2_pkt_write_stateless_reset(
            destination.baseAddress,
            destination.count,
            token,
            random,
            random.count
        )
        return max(0, count)
    }

    /// Writes a Version Negotiation packet (RFC 9000 §17.2.1). Returns its length, 0 for none.
    static func writeVersionNegotiation(
        into destination: UnsafeMutableRawBufferPointer,
        answering header: PacketHeader
    ) -> Int {
        // A reserved version, so that peers do not rely on the list (RFC 9000 §6.3).
        let versions: [UInt32] = [0x1a2a_3a4a, PacketHeader.version1]
        var noise: UInt8 = 0
        unsafe withUnsafeMutableBytes(of: &noise) { unsafe RandomBytes.fill($0) }
        let count = unsafe header.source.withUnsafeOctets { source in
            unsafe header.destination.withUnsafeOctets { target in
                unsafe ngtcp2_pkt_write_version_negotiation(
                    destination.baseAddress,
                    destination.count,
                    noise,
                    source.baseAddress,
                    source.count,
                    target.baseAddress,
                    target.count,
                    versions,
                    versions.count
                )
            }
        }
        return max(0, count)
    }

    /// Writes an Initial packet with CONNECTION_CLOSE, for a refused client. Returns its length, 0 for none.
    static func writeRefusal(
        into destination: UnsafeMutableRawBufferPointer,
        answering header: PacketHeader,
        code: UInt64
    ) -> Int {
        var peer = ngtcp2_cid(header.source)
        var own = ngtcp2_cid(header.destination)
        return max(
            0,
            unsafe ngtcp2_crypto_write_connection_close(
                destination.baseAddress,
                destination.count,
                PacketHeader.version1,
                &peer,
                &own,
                code,
                nil,
                0
            )
        )
    }
}

extension ngtcp2_cid {
    init(_ identifier: QUICConnectionID) {
        self.init()
        unsafe identifier.withUnsafeOctets { octets in
            unsafe ngtcp2_cid_init(&self, octets.baseAddress, octets.count)
        }
    }
}

extension QUICConnectionID {
    init(_ cid: UnsafePointer<ngtcp2_cid>) {
        self = unsafe withUnsafeBytes(of: &UnsafeMutablePointer(mutating: cid).pointee.data) { bytes in
            unsafe QUICConnectionID(UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, cid.pointee.datalen)]))
        }
    }
}
