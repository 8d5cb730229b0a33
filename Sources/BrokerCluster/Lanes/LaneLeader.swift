/// The run of a node that leads a lane, as it says in the lane itself.
package struct LaneLeader: Hashable, Sendable {
    /// 0 to 31.
    package let node: Int
    package let run: UInt64

    package init(node: Int, run: UInt64) {
        self.node = node
        self.run = run
    }
}
