/// A question that a node asks other nodes, and the form of its answer. On the wire both are JSON, so that a later version adds keys which an
/// earlier one passes over.
package protocol NodeQuestion: Codable, Sendable {
    associatedtype Answer: Codable & Sendable

    /// The question's name on the wire, the same in all versions: 1 to 64 octets.
    static var kind: String { get }
}

/// How are you?
package struct NodeStatusQuestion: NodeQuestion {
    package typealias Answer = NodeStatus

    package static let kind = "status"

    package init() {}
}
