internal import CNIOBoringSSL

/// The derivation of packet protection keys from secrets.
enum KeySchedule {
    /// The labels of HKDF-Expand-Label (RFC 9001 §5.1, §6.1).
    enum Label {
        static let key: StaticString = "tls13 quic key"
        static let vector: StaticString = "tls13 quic iv"
        static let header: StaticString = "tls13 quic hp"
        static let update: StaticString = "tls13 quic ku"
        static let clientInitial: StaticString = "tls13 client in"
        static let serverInitial: StaticString = "tls13 server in"
    }

    /// The salt of Initial secrets of version 1 (RFC 9001 §5.2).
    private static let initialSalt: InlineArray<20, UInt8> = [
        0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
        0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
    ]
    /// The key of the integrity tag of Retry packets (RFC 9001 §5.8).
    static let retryKey: InlineArray<16, UInt8> = [
        0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e,
    ]

    /// HKDF-Expand-Label without a context (RFC 8446 §7.1), to the length of the output.
    ///
    /// - Returns: true if it succeeded.
    static func expand(
        _ secret: UnsafeRawBufferPointer,
        _ label: StaticString,
        _ cipher: QUICCipher,
        into output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        let name = unsafe UnsafeRawBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount)
        return unsafe withUnsafeTemporaryAllocation(byteCount: name.count + 4, alignment: 1) { info in
            unsafe info.storeBytes(of: UInt16(output.count).bigEndian, as: UInt16.self)
            unsafe info[2] = UInt8(name.count)
            unsafe UnsafeMutableRawBufferPointer(rebasing: info[3...]).copyMemory(from: name)
            unsafe info[3 + name.count] = 0
            return unsafe HKDF_expand(
                output.bytes,
                output.count,
                cipher.hash,
                secret.bytes,
                secret.count,
                info.bytes,
                info.count
            ) == 1
        }
    }

    /// The secrets of Initial packets (RFC 9001 §5.2), which every observer of the client's first packet can derive.
    ///
    /// - Parameter identifier: the destination connection identifier of the client's first packet.
    /// - Returns: the client's secret and the server's, `nil` if the derivation fails.
    static func initialSecrets(
        _ identifier: UnsafeRawBufferPointer
    ) -> (client: InlineArray<32, UInt8>, server: InlineArray<32, UInt8>)? {
        var common = InlineArray<32, UInt8>(repeating: 0)
        var client = common
        var server = common
        var count = 0
        let extracted = unsafe withUnsafeMutableBytes(of: &common) { common in
            unsafe withUnsafeBytes(of: self.initialSalt) { salt in
                unsafe HKDF_extract(
                    common.bytes,
                    &count,
                    EVP_sha256(),
                    identifier.bytes,
                    identifier.count,
                    salt.bytes,
                    salt.count
                )
            }
        }
        guard extracted == 1 else { return nil }
        let made = unsafe withUnsafeBytes(of: common) { common in
            let one = unsafe withUnsafeMutableBytes(of: &client) {
                unsafe self.expand(common, Label.clientInitial, .aes128GCM, into: $0)
            }
            let other = unsafe withUnsafeMutableBytes(of: &server) {
                unsafe self.expand(common, Label.serverInitial, .aes128GCM, into: $0)
            }
            return one && other
        }
        return made ? (client, server) : nil
    }
}

extension QUICCipher {
    fileprivate var hash: OpaquePointer? { self == .aes256GCM ? unsafe EVP_sha384() : unsafe EVP_sha256() }
}
