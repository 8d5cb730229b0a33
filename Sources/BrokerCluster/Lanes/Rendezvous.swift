/// Rendezvous hashing (highest random weight): which node of some is to have a lane. If a node comes or goes, only the lanes that it gets or
/// had change.
package enum Rendezvous {
    /// - Returns: `nil` if there are no nodes.
    package static func node(for lane: Int, among nodes: some Sequence<Int>) -> Int? {
        nodes.max { weight(lane, $0) < weight(lane, $1) }
    }

    /// SplitMix64 of both numbers.
    private static func weight(_ lane: Int, _ node: Int) -> UInt64 {
        var value = UInt64(truncatingIfNeeded: lane) << 32 | UInt64(truncatingIfNeeded: node)
        value = (value &+ 1) &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
