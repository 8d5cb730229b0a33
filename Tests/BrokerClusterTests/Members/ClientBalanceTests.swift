import BrokerCluster
import Testing

@Suite("Clients that a node lets go")
struct ClientBalanceTests {
    @Test(
        "Only who has far more than the mean lets clients go, no more than the rate, down to the mean",
        arguments: [
            (own: 1_000, others: [0, 0], isUnderWay: false, expected: 0),
            (1_001, [0, 0], false, 500),
            (5_000, [5_000, 5_000], false, 0),
            (5_400, [5_000, 4_600], false, 0),
            (5_600, [5_000, 4_400], false, 500),
            (5_400, [5_000, 4_600], true, 400),
            (5_000, [5_400, 4_600], true, 0),
            (50_000, [], false, 0),
        ]
    )
    func clients(own: Int, others: [Int], isUnderWay: Bool, expected: Int) {
        let balance = ClientBalance()
        #expect(balance.clientsToLetGo(own: own, others: others, isUnderWay: isUnderWay) == expected)
    }

    @Test("Nobody goes where it is not enabled")
    func disabled() {
        var balance = ClientBalance()
        balance.isEnabled = false
        #expect(balance.clientsToLetGo(own: 90_000, others: [0], isUnderWay: true) == 0)
    }

    @Test("Three nodes of which one was restarted last come to the mean within a minute")
    func converges() {
        let balance = ClientBalance()
        var nodes = [15_000, 15_000, 0]
        var isUnderWay = [false, false, false]
        var seconds = 0
        while seconds < 60, nodes.contains(where: { $0 > 10_500 }) {
            seconds += 1
            let going = nodes.indices.map { node in
                balance.clientsToLetGo(
                    own: nodes[node],
                    others: nodes.indices.filter { $0 != node }.map { nodes[$0] },
                    isUnderWay: isUnderWay[node]
                )
            }
            isUnderWay = going.map { $0 > 0 }
            let arriving = going.reduce(0, +)
            for node in nodes.indices { nodes[node] += arriving / 3 - going[node] }
        }
        #expect(seconds < 60)
    }
}
