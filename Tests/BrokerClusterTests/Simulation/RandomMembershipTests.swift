import BrokerCluster
import NIOCore
import Testing

import class Foundation.ProcessInfo

/// Memberships under crashes, pauses, lost and late messages, cuts one way and both, and a bucket without a leader: whatever the seed, no two
/// runs live with one number, nobody is counted dead who does not know, and after healing all agree.
@Suite struct RandomMembershipTests {
    /// `MARTLET_SEEDS` and `MARTLET_SEED` play others.
    private static var seeds: Range<UInt64> {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["MARTLET_SEED"].flatMap(UInt64.init) ?? 0
        let count = environment["MARTLET_SEEDS"].flatMap(UInt64.init) ?? 10
        return first..<first + count
    }

    @Test("A number has one living run, and who is counted dead knows it before", arguments: seeds)
    func rules(seed: UInt64) {
        let cluster = play(seed)
        #expect(cluster.findings.isEmpty, "\(cluster.log.suffix(60).joined(separator: "\n"))")
    }

    @Test("A node that declares others dead too soon is found")
    func findsHaste() {
        let finder = (0..<40 as Range<UInt64>).first { !play($0, hasty: true).findings.isEmpty }
        #expect(finder != nil)
    }

    @discardableResult
    private func play(_ seed: UInt64, hasty: Bool = false) -> SimulatedCluster {
        var random = SeededGenerator(seed: seed &+ 77)
        let deadAfter: TimeAmount =
            [.seconds(2), .seconds(5), .seconds(10)].randomElement(using: &random) ?? .seconds(5)
        let cluster = SimulatedCluster(
            seed: seed,
            count: .random(in: 2...4, using: &random),
            hasNumbers: .random(using: &random),
            MembershipTimes(deadAfter: deadAfter),
            loss: [0, 1, 10].randomElement(using: &random) ?? 0
        )
        for node in cluster.nodes {
            let isHasty = hasty && node.index == 0
            cluster.start(node, deadAfter: isHasty ? .nanoseconds(deadAfter.nanoseconds / 3) : nil)
        }
        cluster.run(for: 2_000)
        while cluster.now < 90_000 {
            disturb(cluster, &random, deadAfter: Int(deadAfter.nanoseconds / 1_000_000))
            cluster.run(for: .random(in: 200...5_000, using: &random))
        }
        for node in cluster.nodes { heal(node) }
        cluster.loss = 0
        // What lasts ends.
        cluster.run(for: 35_000)
        for node in cluster.nodes { cluster.start(node) }
        cluster.run(for: 45_000)
        if !hasty { cluster.checkAgreement() }
        return cluster
    }

    private func heal(_ node: SimulatedNode) {
        (node.canSend, node.canReceive, node.deafTo) = (true, true, [])
    }

    private func disturb(_ cluster: SimulatedCluster, _ random: inout SeededGenerator, deadAfter: Int) {
        guard let node = cluster.nodes.randomElement(using: &random) else { return }
        let time: Int =
            [.random(in: 100...1_500, using: &random), .random(in: 500...deadAfter * 2, using: &random)].randomElement(
                using: &random
            ) ?? 100
        switch Int.random(in: 0..<12, using: &random) {
        case 0: cluster.crash(node)
        case 1:
            cluster.crash(node)
            cluster.after(time) { cluster.start(node) }
        case 2:
            cluster.leave(node)
            cluster.after(time) { cluster.start(node) }
        case 3, 4: cluster.pause(node, for: time)
        case 5:
            let way = Int.random(in: 0..<3, using: &random)
            (node.canSend, node.canReceive) = (way == 0, way == 1)
            cluster.after(time) { (node.canSend, node.canReceive) = (true, true) }
        case 6, 7, 8:
            guard let other = cluster.nodes.filter({ $0.index != node.index }).randomElement(using: &random) else {
                return
            }
            node.deafTo.insert(other.index)
            if .random(using: &random) { other.deafTo.insert(node.index) }
            cluster.after(time) {
                node.deafTo.remove(other.index)
                other.deafTo.remove(node.index)
            }
        case 9: cluster.elect(for: .random(in: 500...9_000, using: &random))
        case 10: for node in cluster.nodes { cluster.start(node) }
        default: heal(node)
        }
    }
}
