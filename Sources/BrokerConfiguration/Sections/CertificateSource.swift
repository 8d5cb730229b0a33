/// Where a listener's certificate and private key come from.
package enum CertificateSource: Sendable, Equatable {
    /// A pair that is generated once per installation.
    case generated
    /// The paths at which EMQX ships a pair. None is shipped here, so that they mean a generated pair as long as
    /// neither file exists.
    case shippedPaths
    case files(chain: String, key: String)

    package static let shippedChain = "/opt/emqx/etc/certs/cert.pem"
    package static let shippedKey = "/opt/emqx/etc/certs/key.pem"

    init(chain: String, key: String) {
        self = chain == Self.shippedChain && key == Self.shippedKey ? .shippedPaths : .files(chain: chain, key: key)
    }

    /// What is to be loaded.
    package enum Pair: Sendable, Equatable {
        /// `warning` is set when the configuration names files.
        case generated(warning: String?)
        case files(chain: String, key: String)
    }

    /// Settles which pair is meant. Whether the files can be read, and fit each other, shows when they are loaded.
    package func pair(fileExists: (_ path: String) -> Bool) -> Pair {
        switch self {
        case .generated: .generated(warning: nil)
        case .files(let chain, let key): .files(chain: chain, key: key)
        case .shippedPaths where !fileExists(Self.shippedChain) && !fileExists(Self.shippedKey):
            .generated(
                warning:
                    "neither \(Self.shippedChain) nor \(Self.shippedKey) exists; a generated certificate is used instead"
            )
        case .shippedPaths: .files(chain: Self.shippedChain, key: Self.shippedKey)
        }
    }
}
