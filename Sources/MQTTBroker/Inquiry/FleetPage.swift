/// Rows of all nodes, and the nodes that are missing in them.
package struct FleetPage<Row: Sendable>: Sendable {
    package var rows: [(node: String, row: Row)] = []
    /// All rows that fit, of the nodes that have answered; `nil` if they were not counted.
    package var count: Int?
    /// True if more rows fit behind these.
    package var hasNext = false
    /// The nodes that have not answered, and why.
    package var silences: [NodeSilence] = []

    package init() {}
}

/// A node that has not answered.
package struct NodeSilence: Sendable, Equatable, Codable {
    package let node: String
    /// For people.
    package let reason: String

    package init(node: String, reason: String) {
        self.node = node
        self.reason = reason
    }
}
