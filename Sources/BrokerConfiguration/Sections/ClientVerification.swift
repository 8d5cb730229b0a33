/// `ssl_options.verify`: whether clients are asked for certificates.
package enum ClientVerification: String, CaseIterable, Sendable {
    case none = "verify_none"
    case peer = "verify_peer"
}
