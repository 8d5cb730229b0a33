/// A certificate chain with its private key: what a side says it is.
package struct QUICIdentity: Sendable, Equatable {
    /// Leaf first, PEM.
    package var certificateChain: [UInt8]
    /// Of the leaf, PEM.
    package var privateKey: [UInt8]
    /// What the private key is encrypted with, if it is.
    package var password: String?

    package init(certificateChain: [UInt8], privateKey: [UInt8], password: String? = nil) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.password = password
    }
}
