internal import CDatagrams
internal import CNgtcp2
import Glibc

/// Tokens that prove a client's address (RFC 9000 §8.1).
///
/// Times in tokens are wall clock times, so that tokens outlive a restart and are valid at other nodes with the same secret.
struct AddressTokens {
    /// What a token says of the client's address.
    enum Verdict: Equatable {
        /// The Initial has no valid token: the address is not validated.
        case none
        /// A valid token of a Retry packet, with the destination identifier of the client's first packet.
        case retried(original: QUICConnectionID)
        /// A valid token of NEW_TOKEN from an earlier connection.
        case known
        /// A Retry token that is late, or of another address. The client accepts no second Retry (RFC 9000 §8.1.3).
        case refused
    }

    /// The keys of tokens that are made, and then of those that are taken as well.
    private var keys: [SecretKeys]
    /// Nanoseconds.
    private let retryLifetime: UInt64
    private let newTokenLifetime: UInt64
    /// Nanoseconds since 1970.
    var wallClock: () -> UInt64 = AddressTokens.systemTime

    init(_ configuration: QUICRetryConfiguration, ring: KeyRing) {
        self.keys = ring.all
        self.retryLifetime = configuration.tokenLifetime.unsignedNanoseconds
        self.newTokenLifetime = configuration.newTokenLifetime.unsignedNanoseconds
    }

    /// Makes tokens by another secret from now on, and takes those of all secrets of the ring.
    mutating func use(_ ring: KeyRing) { self.keys = ring.all }

    private static func systemTime() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Checks the token of an Initial packet.
    func judge(_ token: UnsafeRawBufferPointer, of header: PacketHeader, from remote: DatagramAddress) -> Verdict {
        switch unsafe token.first {
        case UInt8(NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY2)?:
            var verdict = Verdict.none
            for keys in self.keys {
                verdict = unsafe self.judgeRetry(token, of: header, from: remote, by: keys.retries)
                if case .retried = verdict { break }
            }
            return verdict
        case UInt8(NGTCP2_CRYPTO_TOKEN_MAGIC_REGULAR)?:
            let isKnown = self.keys.contains { keys in
                let status = unsafe withAddress(remote) { address, count in
                    unsafe ngtcp2_crypto_verify_regular_token(
                        token.baseAddress?.assumingMemoryBound(to: UInt8.self),
                        token.count,
                        keys.newTokens,
                        keys.newTokens.count,
                        address,
                        count,
                        self.newTokenLifetime,
                        self.wallClock()
                    )
                }
                return status == 0
            }
            return isKnown ? .known : .none
        default:
            return .none
        }
    }

    private func judgeRetry(
        _ token: UnsafeRawBufferPointer,
        of header: PacketHeader,
        from remote: DatagramAddress,
        by key: [UInt8]
    ) -> Verdict {
        var original = ngtcp2_cid()
        var chosen = ngtcp2_cid(header.destination)
        let status = unsafe withAddress(remote) { address, count in
            unsafe ngtcp2_crypto_verify_retry_token2(
                &original,
                token.baseAddress?.assumingMemoryBound(to: UInt8.self),
                token.count,
                key,
                key.count,
                PacketHeader.version1,
                address,
                count,
                &chosen,
                self.retryLifetime,
                self.wallClock()
            )
        }
        switch status {
        case 0: return unsafe .retried(original: QUICConnectionID(&original))
        case CInt(NGTCP2_CRYPTO_ERR_VERIFY_TOKEN): return .refused
        default: return .none
        }
    }

    /// Writes a Retry packet (RFC 9000 §17.2.5). Returns its length, 0 for none.
    ///
    /// - Parameter identifier: the source identifier of the Retry, to which the client sends its next Initial.
    func writeRetry(
        into destination: UnsafeMutableRawBufferPointer,
        answering header: PacketHeader,
        from remote: DatagramAddress,
        identifier: QUICConnectionID
    ) -> Int {
        guard let key = self.keys.first?.retries else { return 0 }
        var client = ngtcp2_cid(header.source)
        var original = ngtcp2_cid(header.destination)
        var chosen = ngtcp2_cid(identifier)
        let room = Int(shim_max_retry_token_count())
        return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { token in
            let count = unsafe withAddress(remote) { address, count in
                unsafe ngtcp2_crypto_generate_retry_token2(
                    token.baseAddress,
                    key,
                    key.count,
                    PacketHeader.version1,
                    address,
                    count,
                    &chosen,
                    &original,
                    self.wallClock()
                )
            }
            guard count > 0 else { return 0 }
            return max(
                0,
                unsafe ngtcp2_crypto_write_retry(
                    destination.baseAddress,
                    destination.count,
                    PacketHeader.version1,
                    &client,
                    &chosen,
                    &original,
                    token.baseAddress,
                    count
                )
            )
        }
    }

    /// Lends a token for the next connection from the address (NEW_TOKEN), unless such tokens are switched off.
    func withNewToken(for remote: DatagramAddress, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        guard self.newTokenLifetime > 0, let key = self.keys.first?.newTokens else { return }
        let room = Int(shim_max_regular_token_count())
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { token in
            let count = unsafe withAddress(remote) { address, count in
                unsafe ngtcp2_crypto_generate_regular_token(
                    token.baseAddress,
                    key,
                    key.count,
                    address,
                    count,
                    self.wallClock()
                )
            }
            if count > 0 { unsafe body(UnsafeBufferPointer(rebasing: token[..<count])) }
        }
    }
}

/// Lends an address to ngtcp2, with unused octets zero.
private func withAddress<Result>(
    _ address: DatagramAddress,
    _ body: (UnsafePointer<sockaddr>?, socklen_t) -> Result
) -> Result {
    var raw = address.plain.raw
    return unsafe withUnsafePointer(to: &raw) { raw in
        unsafe body(
            UnsafeRawPointer(raw).assumingMemoryBound(to: sockaddr.self),
            socklen_t(address.length)
        )
    }
}
