import NIOCore
import Testing

@testable import QUICTransport

/// The tokens that servers gave a client.
@Suite struct ServerTokensTests {
    /// A client keeps few tokens, each for the server and the name that it got it from.
    @Test func tokensAreKeptByServer() throws {
        let server = try #require(DatagramAddress(SocketAddress(ipAddress: "192.0.2.1", port: 1)))
        let other = try #require(DatagramAddress(SocketAddress(ipAddress: "192.0.2.1", port: 2)))
        var tokens = ServerTokens()
        func take(_ server: DatagramAddress, _ name: String?) -> [UInt8] {
            tokens.take(for: DialedServer(address: server, name: name))
        }
        tokens.keep([1], of: DialedServer(address: server, name: "a"))
        tokens.keep([2], of: DialedServer(address: server, name: "a"))
        tokens.keep([3], of: DialedServer(address: server, name: nil))
        tokens.keep([], of: DialedServer(address: other, name: "a"))
        tokens.keep(
            [UInt8](repeating: 1, count: ServerTokens.tokenLimit + 1),
            of: DialedServer(address: other, name: "a")
        )
        #expect(take(other, "a") == [])
        #expect(take(server, "b") == [])
        #expect(take(server, "a") == [2])
        #expect(take(server, "a") == [1])
        #expect(take(server, "a") == [])
        #expect(take(server, nil) == [3])
        for number in 0..<200 { tokens.keep([UInt8(number)], of: DialedServer(address: server, name: "a")) }
        #expect(tokens.count == ServerTokens.limit)
        #expect(take(server, "a") == [199])
    }

    /// A NEW_TOKEN frame that the server has sent again does not make two tokens of one, which would link connections (RFC 9000 §8.1.3).
    @Test func tokensThatComeTwiceAreKeptOnce() throws {
        let server = try #require(DatagramAddress(SocketAddress(ipAddress: "192.0.2.1", port: 1)))
        var tokens = ServerTokens()
        for _ in 1...2 { tokens.keep([1], of: DialedServer(address: server, name: "a")) }
        #expect(tokens.count == 1)
        #expect(tokens.take(for: DialedServer(address: server, name: "a")) == [1])
        tokens.keep([1], of: DialedServer(address: server, name: "a"))
        #expect(tokens.take(for: DialedServer(address: server, name: "a")) == [], "it may come again after its use")
    }
}
