package import NIOCore

/// The peer of a connection: its listener, and what is known of its identity.
package struct Peer: Sendable {
    /// What is known of the client, which may come in parts, after the connection was accepted.
    package internal(set) var identity: Identity
    /// The name of the listener, such as `tcp:default`.
    package let listener: String
    /// How early data is treated, until the handshake is complete (`Shard.confirmed`); `nil` then, and without early data.
    package internal(set) var earlyData: EarlyData?

    /// What the transport tells of a client: by its socket, its TLS handshake, or a header in front of MQTT.
    package struct Identity: Sendable {
        /// The last validated address. A QUIC client may change its address (RFC 9000 §9).
        package var address: SocketAddress?
        /// What the client's verified certificate says; `nil` if the client has shown none.
        package var certificate: Certificate?

        package init(address: SocketAddress? = nil, certificate: Certificate? = nil) {
            self.address = address
            self.certificate = certificate
        }

        /// Takes over what `other` knows, and keeps the rest.
        mutating func add(_ other: Identity) {
            address = other.address ?? address
            certificate = other.certificate ?? certificate
        }
    }

    /// The subject of a client's certificate.
    package struct Certificate: Sendable, Equatable {
        /// The distinguished name, such as `CN=car 7,O=Fleet` (RFC 4514).
        package let subject: String
        package let commonName: String?

        package init(subject: String, commonName: String?) {
            self.subject = subject
            self.commonName = commonName
        }

        /// A part of the certificate's subject that a client may be named by.
        package enum Field: Sendable {
            case commonName
            case subject
        }

        func value(of field: Field) -> String? {
            switch field {
            case .commonName: commonName
            case .subject: subject.isEmpty ? nil : subject
            }
        }
    }

    /// How much of early data takes effect before the handshake is complete. Early data is accepted once, but may be a replay by
    /// somebody else, at a later time (RFC 8446 §8).
    package enum EarlyData: Sendable {
        case everything
        /// CONNECT; the packets behind it wait until the handshake is complete.
        case connectOnly
    }

    var address: SocketAddress? { identity.address }
    var certificate: Certificate? { identity.certificate }

    package init(
        address: SocketAddress?,
        listener: String,
        certificate: Certificate? = nil,
        earlyData: EarlyData? = nil
    ) {
        identity = Identity(address: address, certificate: certificate)
        self.listener = listener
        self.earlyData = earlyData
    }
}
