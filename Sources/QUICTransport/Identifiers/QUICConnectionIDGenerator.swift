/// A generator of the connection identifiers of one endpoint, which also tells which endpoint made an identifier.
///
/// Confined to the endpoint's event loop.
package protocol QUICConnectionIDGenerator: AnyObject {
    /// The length of all identifiers of the generator, 8 to 20 octets.
    var count: Int { get }

    /// Makes an identifier that was never made before.
    func make() -> QUICConnectionID

    /// The origin of an identifier that no connection of the endpoint has.
    func origin(of identifier: QUICConnectionID) -> QUICConnectionIDOrigin

    /// Makes identifiers of another run from now on, if its identifiers name runs.
    func beginRun(_ run: RelayNode)

    /// Makes and reads identifiers by other secrets from now on, if it has secrets.
    func use(_ ring: KeyRing) throws(QUICError)

    /// The parameters by which the kernel finds the worker in an identifier; `nil` if it cannot.
    var steering: IdentifierSteering? { get }
}

extension QUICConnectionIDGenerator {
    package func origin(of identifier: QUICConnectionID) -> QUICConnectionIDOrigin { .unknown }
    package func beginRun(_ run: RelayNode) {}
    package func use(_ ring: KeyRing) throws(QUICError) {}
    package var steering: IdentifierSteering? { nil }
}

/// The origin of a connection identifier.
package enum QUICConnectionIDOrigin: Sendable, Equatable {
    /// This endpoint made it, for a connection that has ended.
    case own
    /// Another endpoint of the same port in this process made it, the one with this worker number.
    case worker(Int)
    /// Another node, or another process of this one, made it, with the secret of the codepoint `rotation`.
    case run(RelayNode, rotation: Int)
    /// Not known.
    case unknown
}
