import BrokerCluster
import QUICTransport

extension RelayStatus {
    init(_ report: NodeRelay.Report) {
        self.init()
        for other in report.reachability {
            let number = Int(other.node.number)
            if other.isReachable { reachable.append(number) } else { unreachable.append(number) }
        }
        let total = report.total
        forwardsOut = total.forwardsOut
        forwardsIn = total.forwardsIn
        for refusal in RelayRefusal.allCases where total[refusal] > 0 { refused[refusal.name] = total[refusal] }
    }
}
