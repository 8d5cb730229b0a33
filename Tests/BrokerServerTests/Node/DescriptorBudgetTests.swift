import Logging
import NIOCore
import Testing

@testable import BrokerServer

@Suite struct DescriptorBudgetTests {
    private func lines(_ maxima: [Int?]) throws -> [LogRecorder.Line] {
        let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let log = LogRecorder()
        let listeners = maxima.map {
            BrokerServerConfiguration.Listener(name: "n", address: any, transport: .tcp, maximumConnections: $0)
        }
        DescriptorBudget(limit: 100, used: 30).report(listeners, to: log.logger())
        return log.lines
    }

    @Test("A max_connections that there are too few file descriptors for is a warning") func warning() throws {
        for maxima in [[71], [40, 31], [.max, .max], [71, nil]] as [[Int?]] {
            let lines = try lines(maxima)
            #expect(lines.map(\.level) == [.warning])
            #expect(lines.first?.metadata["possible_connections"] == "70")
        }
    }

    @Test("For listeners without max_connections, the number of possible connections is logged") func information()
        throws
    {
        #expect(try lines([nil]).map(\.level) == [.info])
        #expect(try lines([20, nil]).map(\.level) == [.info])
    }

    @Test("Nothing is logged if there are enough file descriptors") func possible() throws {
        #expect(try lines([70]).isEmpty)
        #expect(try lines([]).isEmpty)
    }

    @Test("The descriptors of this process are counted") func used() {
        #expect(DescriptorBudget(limit: 100).used >= 3)
    }
}
