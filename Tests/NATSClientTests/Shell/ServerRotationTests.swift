import NATSClient
import NIOCore
import Testing

@Suite struct ServerRotationTests {
    private let servers = (0..<3).map { ServerAddress(host: "h\($0)") }

    @Test("Each server is tried once before there is a pause, and pauses grow up to a bound") func pauses() throws {
        var random = SystemRandomNumberGenerator()
        var rotation = ServerRotation(servers, first: 4)
        var tried: [String] = []
        for round in 0..<20 {
            for _ in servers {
                let taken = rotation.take(using: &random)
                let (server, pause) = try #require(taken)
                tried.append(server.host)
                let nominal = min(
                    ServerRotation.shortest.nanoseconds << max(round - 1, 0),
                    ServerRotation.longest.nanoseconds
                )
                let range = round == 0 ? 0...0 : nominal / 2...nominal + nominal / 2
                #expect(range.contains(pause.nanoseconds))
            }
        }
        #expect(tried.prefix(4) == ["h1", "h2", "h0", "h1"])
        rotation.succeeded()
        let taken = rotation.take(using: &random)
        #expect(taken?.pause == .zero)
    }

    @Test("Without servers there is nothing to try") func none() {
        var random = SystemRandomNumberGenerator()
        var rotation = ServerRotation([], first: 7)
        let taken = rotation.take(using: &random)
        #expect(taken == nil)
    }
}
