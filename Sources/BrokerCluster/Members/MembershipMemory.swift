/// What a node keeps in its data folder between its runs, for its membership.
package protocol MembershipMemory: Sendable {
    /// The identity of the folder, which is random and stays.
    var token: String { get }
    /// The number of this start, higher than those of all earlier runs.
    var start: UInt64 { get }

    /// The number that the node had last in a cluster; `nil` if it had none.
    func number(in cluster: ClusterName) -> Int?

    /// Puts the number of the node and of its run on disk. Blocks.
    ///
    /// - Throws: if that is not possible, a sentence.
    func remember(number: Int, run: UInt64, in cluster: ClusterName) throws
}
