package import NIOCore

/// A PUBLISH that is encoded once and written to any number of subscribers of one protocol version: they differ in the
/// first octet, the packet identifier and, seldom, in subscription identifiers.
package struct EncodedPublish: Sendable {
    package let version: ProtocolVersion
    package init(_ publish: Publish, version: ProtocolVersion) { self.version = version }

    /// Octets of the whole packet.
    package func size(qos: QualityOfService, subscriptionIdentifiers: [UInt32] = []) -> Int { 0 }

    /// Appends the whole packet.
    package func write(
        into buffer: inout ByteBuffer,
        qos: QualityOfService,
        packetIdentifier: UInt16,
        retain: Bool,
        isDuplicate: Bool = false,
        subscriptionIdentifiers: [UInt32] = [],
        messageExpiryInterval: UInt32? = nil
    ) {}
}
