/// The cipher suites of TLS 1.3 that protect QUIC packets (RFC 9001 §5.3).
package enum QUICCipher: String, Sendable, CaseIterable {
    case aes128GCM = "TLS_AES_128_GCM_SHA256"
    case aes256GCM = "TLS_AES_256_GCM_SHA384"
    case chacha20Poly1305 = "TLS_CHACHA20_POLY1305_SHA256"

    /// The fastest first.
    package static let preferred: [QUICCipher] = [.aes128GCM, .aes256GCM, .chacha20Poly1305]
}
