import Secrets

/// The key of the frames of one sender: AES-128-GCM with the whole frame as associated data, which proves who sent it and
/// leaves the datagram, which QUIC protects itself, as it is.
package final class RelayKey: SecretValue {
    private let pool: ExpandedKeys
    private let key: ProtectionKey

    init(_ octets: [UInt8], in pool: ExpandedKeys) {
        self.pool = pool
        self.key = unsafe octets.withUnsafeBytes { unsafe ProtectionKey($0, .aes128GCM, for: .packets, in: pool) }
    }

    /// The key that a run of a node has by the secret that it issues with.
    package convenience init(of sender: RelayMember, _ ring: KeyRing) {
        self.init(ring.issuing.relayKey(of: sender), in: ExpandedKeys(capacity: 1))
    }

    deinit { self.key.delete() }

    /// Writes the tag of a frame whose other octets are in their places.
    ///
    /// - Parameter frame: `RelayFrame.overhead` octets or more, under a number that the key has sealed no frame with.
    package func seal(_ frame: UnsafeMutableRawBufferPointer) {
        let (body, tag) = unsafe self.parts(UnsafeRawBufferPointer(frame))
        guard let place = unsafe UnsafeMutableRawBufferPointer(mutating: tag).bytes else { return }
        let nonce = unsafe self.nonce(body)
        let sealed = unsafe withUnsafeBytes(of: nonce) { nonce in
            unsafe self.key.seal(UnsafeRawBufferPointer(start: nil, count: 0), into: place, nonce: nonce, header: body)
        }
        precondition(sealed, "AES-128-GCM takes any frame")
    }

    /// - Parameter frame: `RelayFrame.overhead` octets or more.
    package func isAuthentic(_ frame: UnsafeRawBufferPointer) -> Bool {
        let (body, tag) = unsafe self.parts(frame)
        let nonce = unsafe self.nonce(body)
        var nothing: UInt8 = 0
        return unsafe withUnsafeBytes(of: nonce) { nonce in
            unsafe self.key.open(tag, into: &nothing, nonce: nonce, header: body)
        }
    }

    private func parts(
        _ frame: UnsafeRawBufferPointer
    ) -> (body: UnsafeRawBufferPointer, tag: UnsafeRawBufferPointer) {
        let end = max(0, frame.count - RelayFrame.tagCount)
        return unsafe (UnsafeRawBufferPointer(rebasing: frame[..<end]), UnsafeRawBufferPointer(rebasing: frame[end...]))
    }

    /// The sender and the number of a frame.
    private func nonce(_ body: UnsafeRawBufferPointer) -> InlineArray<12, UInt8> {
        var nonce = InlineArray<12, UInt8>(repeating: 0)
        guard body.count >= RelayFrame.headerCount else { return nonce }
        for index in 0..<4 { unsafe nonce[index] = body[4 + index] }
        for index in 0..<8 { unsafe nonce[4 + index] = body[12 + index] }
        return nonce
    }
}
