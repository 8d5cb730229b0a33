/// Makes the identifiers by which peers address the connections of one endpoint, and knows who made one.
///
/// Confined to the endpoint's event loop.
package protocol QUICConnectionIDGenerator: AnyObject {
    /// The one length of all identifiers it makes, 8 ... 20 octets.
    var count: Int { get }

    /// An identifier that was never made before.
    func make() -> QUICConnectionID

    /// Who made an identifier that no connection of the endpoint has.
    func origin(of identifier: QUICConnectionID) -> QUICConnectionIDOrigin

    /// How the kernel can tell the worker by an identifier; `nil` if it cannot.
    var steering: IdentifierSteering? { get }
}

extension QUICConnectionIDGenerator {
    package func origin(of identifier: QUICConnectionID) -> QUICConnectionIDOrigin { .unknown }
    package var steering: IdentifierSteering? { nil }
}

/// Who made an identifier.
package enum QUICConnectionIDOrigin: Sendable, Equatable {
    /// This endpoint: the connection has ended.
    case own
    /// Another endpoint of the same port in this process, by its worker number.
    case worker(Int)
    /// An earlier run of this node, which is over, under the secret of the rotation codepoint.
    case superseded(rotation: Int)
    /// Nobody that we know of.
    case unknown
}
