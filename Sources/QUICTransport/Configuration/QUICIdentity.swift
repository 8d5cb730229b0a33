package import Secrets

/// A certificate chain with its private key.
package struct QUICIdentity: Sendable, Equatable {
    /// The chain in PEM, leaf first.
    package var certificateChain: [UInt8]
    /// The leaf's private key in PEM.
    @Secret package var privateKey: [UInt8]
    /// The password of an encrypted private key.
    @Secret package var password: String?

    package init(certificateChain: [UInt8], privateKey: [UInt8], password: String? = nil) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.password = password
    }
}
