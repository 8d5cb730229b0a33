import NIOCore
import Testing

@testable import QUICTransport

/// The ports under which ngtcp2 knows a client's addresses.
@Suite struct PathAliasesTests {
    private static func address(_ port: Int, _ host: String = "192.0.2.1") throws -> DatagramAddress {
        try #require(DatagramAddress(SocketAddress(ipAddress: host, port: port)))
    }

    @Test func returnIsAnotherPath() throws {
        let home = try Self.address(10)
        let away = try Self.address(20)
        let aliases = PathAliases(validated: home)
        #expect(aliases.alias(for: away) == away)
        // Until another address is validated, who is back has never left (RFC 9000 §9.3.2).
        #expect(aliases.alias(for: home) == home)
        aliases.validate(away)
        let again = aliases.alias(for: home)
        #expect(again != home && again != away && again.plain.socketAddress.ipAddress == "192.0.2.1")
        #expect(aliases.alias(for: home) == again)
        #expect(aliases.address(of: again) == home)
        #expect(aliases.address(of: home) == home)
        // What was not validated anew is no other path.
        #expect(aliases.alias(for: away) == away)
    }

    /// However often a client goes to and fro, the path that was validated before is never named again.
    @Test(arguments: ["192.0.2.1", "2001:db8::1"]) func everyVisitHasAPath(host: String) throws {
        var random = SystemRandomNumberGenerator()
        let home = try Self.address(65_534, host)
        // Ports beside each other are taken for aliases, too.
        let places = try [home] + (65_530...65_535).filter { $0 != 65_534 }.map { try Self.address($0, host) }
        let aliases = PathAliases(validated: home)
        var validated = home
        var previous: DatagramAddress?
        for _ in 0..<2_000 {
            let place = try #require(places.randomElement(using: &random))
            let alias = aliases.alias(for: place)
            #expect(alias != previous)
            #expect(aliases.address(of: alias) == place)
            #expect(aliases.alias(for: place) == alias)
            guard Bool.random(using: &random), alias != validated else { continue }
            aliases.validate(alias)
            (previous, validated) = (validated, alias)
        }
    }
}
