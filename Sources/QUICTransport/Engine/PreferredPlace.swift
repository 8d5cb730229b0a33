internal import CDatagrams
internal import CNgtcp2
internal import Glibc

/// What a server tells of the address that clients reach it at directly (RFC 9000 §9.6), with the connection identifier that is
/// for the first packets to there.
struct PreferredPlace {
    let address: QUICPreferredAddress
    let identifier: QUICConnectionID

    /// The transport parameter (RFC 9000 §18.2).
    func parameter(keys: SecretKeys) -> ngtcp2_preferred_addr {
        var parameter = ngtcp2_preferred_addr()
        parameter.cid = ngtcp2_cid(self.identifier)
        if let v4 = self.address.v4.flatMap({ DatagramAddress($0) }) {
            unsafe parameter.ipv4 = v4.raw.v4
            parameter.ipv4_present = 1
        }
        if let v6 = self.address.v6.flatMap({ DatagramAddress($0) }) {
            unsafe parameter.ipv6 = v6.raw.v6
            parameter.ipv6_present = 1
        }
        unsafe withUnsafeMutableBytes(of: &parameter.stateless_reset_token) { token in
            guard let start = token.baseAddress else { return }
            unsafe StatelessPackets.writeResetToken(
                start.assumingMemoryBound(to: UInt8.self),
                key: keys.resets,
                identifier: self.identifier
            )
        }
        return parameter
    }
}

extension EngineCallbacks {
    /// Lets a client go on at the address that the server prefers, once the path there is validated.
    static func addPreferredAddress(to table: inout ngtcp2_callbacks) {
        unsafe table.select_preferred_addr = { _, path, offer, user in
            guard let path = unsafe path, let offer = unsafe offer?.pointee else { return 0 }
            let connection = unsafe engine(user).connection
            var offered: [DatagramAddress] = []
            if offer.ipv4_present != 0 {
                var address = DatagramAddress()
                unsafe address.raw.v4 = offer.ipv4
                offered.append(address)
            }
            if offer.ipv6_present != 0 {
                var address = DatagramAddress()
                unsafe address.raw.v6 = offer.ipv6
                offered.append(address)
            }
            guard let chosen = Dialer.choose(among: offered, insteadOf: connection.remote) else { return 0 }
            // ngtcp2 has room for any address there.
            unsafe withUnsafeBytes(of: chosen.raw) { bytes in
                unsafe UnsafeMutableRawPointer(path.pointee.remote.addr)?
                    .copyMemory(from: bytes.baseAddress.unsafelyUnwrapped, byteCount: chosen.length)
            }
            unsafe path.pointee.remote.addrlen = socklen_t(chosen.length)
            connection.addresses.admitUnrationed(chosen, now: connection.endpoint.now)
            return 0
        }
    }
}
