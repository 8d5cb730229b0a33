/// Why a node cannot be a member of its cluster, in a sentence.
package struct ClusterFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}
