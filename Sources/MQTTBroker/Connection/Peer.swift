package import NIOCore

/// Where a connection comes from, and what is known of who it is.
package struct Peer: Sendable {
    /// The last address that the peer has proved to be at: a QUIC client may change it (RFC 9000 §9).
    package internal(set) var address: SocketAddress?
    /// Name of the listener, such as `tcp:default`.
    package let listener: String
    /// What a verified certificate of the client says; `nil` where none was asked for, or none is seen yet.
    package internal(set) var certificate: Certificate?
    /// Set for a connection that sends data ahead of its handshake's end, until `Shard.confirmed`.
    package internal(set) var earlyData: EarlyData?

    /// The subject of a client's certificate.
    package struct Certificate: Sendable, Equatable {
        /// The distinguished name, such as `CN=car 7,O=Fleet` (RFC 4514).
        package let subject: String
        package let commonName: String?

        package init(subject: String, commonName: String?) {
            self.subject = subject
            self.commonName = commonName
        }

        package enum Field: Sendable {
            case commonName
            case subject
        }

        func value(of field: Field) -> String? {
            switch field {
            case .commonName: commonName
            case .subject: subject
            }
        }
    }

    /// What of early data is acted upon at once. It is there once only, but somebody else may have sent it, later than the
    /// client meant it (RFC 8446 §8).
    package enum EarlyData: Sendable {
        case everything
        /// The rest waits for the end of the handshake.
        case connectOnly
    }

    package init(
        address: SocketAddress?,
        listener: String,
        certificate: Certificate? = nil,
        earlyData: EarlyData? = nil
    ) {
        self.address = address
        self.listener = listener
        self.certificate = certificate
        self.earlyData = earlyData
    }
}
