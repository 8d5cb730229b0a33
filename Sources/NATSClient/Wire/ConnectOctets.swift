package import NIOCore
import Secrets

/// The JSON of CONNECT, which no description shows, since it has the user's password in it.
package struct ConnectOctets: SecretValue, Equatable, Sendable {
    package let json: ByteBuffer

    package init(json: ByteBuffer) { self.json = json }
}
