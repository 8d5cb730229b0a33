import MQTTBroker
import QUICTransport
import Testing

@testable import BrokerServer

/// What is counted has a metric: a counter without a name would be counted for nobody.
@Suite struct MetricNamesTests {
    @Test("Every counter of a shard has a name of its own") func shards() {
        #expect(Set(Counters.names.map(\.name)).count == Mirror(reflecting: Counters()).children.count)
    }

    @Test("Every counter of a QUIC endpoint has a name of its own") func endpoints() {
        let counters = QUICCounters()
        let fields =
            Mirror(reflecting: counters).children.count - 1 + Mirror(reflecting: counters.dropped).children.count
        #expect(Set(counters.named.map(\.name)).count == fields)
    }
}
