import NIOCore
import Testing

@testable import QUICTransport

/// The addresses under which ngtcp2 knows a client's addresses.
@Suite struct PathAliasesTests {
    private static func address(_ port: Int, _ host: String = "192.0.2.1") throws -> DatagramAddress {
        try #require(DatagramAddress(SocketAddress(ipAddress: host, port: port)))
    }

    @Test func visitsArePaths() throws {
        let first = try Self.address(10)
        let away = try Self.address(20)
        let aliases = PathAliases(first: first)
        func alias(_ address: DatagramAddress) -> DatagramAddress {
            aliases.alias(for: ClientPath(address), current: first)
        }
        let there = alias(away)
        #expect(aliases.path(of: there) == ClientPath(away))
        // Until another address is validated, who is back has never left (RFC 9000 §9.3.2).
        #expect(alias(first) == first)
        aliases.validate(there)
        let again = alias(first)
        #expect(again != first && again != there)
        #expect(alias(first) == again)
        #expect(aliases.path(of: again) == ClientPath(first))
        #expect(aliases.path(of: first) == ClientPath(first))
        // What was not validated anew is no other path.
        #expect(alias(away) == there)
    }

    /// However often a client goes to and fro, the path that was validated before is never named again, and no two paths
    /// differ by their ports alone.
    @Test(arguments: ["192.0.2.1", "240.0.0.7", "2001:db8::1"]) func everyVisitHasAPath(host: String) throws {
        var random = SystemRandomNumberGenerator()
        let first = try Self.address(65_534, host)
        let remotes = try [first] + (65_530...65_535).filter { $0 != 65_534 }.map { try Self.address($0, host) }
        let locals = [nil, try Self.address(0, "192.0.2.7"), try Self.address(0, "2001:db8::7")]
        let places = remotes.flatMap { remote in locals.map { ClientPath(remote, at: $0) } }
        let aliases = PathAliases(first: first)
        var validated = first
        var previous: DatagramAddress?
        for _ in 0..<2_000 {
            let place = try #require(places.randomElement(using: &random))
            let alias = aliases.alias(for: place, current: validated)
            #expect(alias != previous)
            #expect(alias.isIPv6 == place.remote.isIPv6 && alias.port == place.remote.port)
            #expect(aliases.path(of: alias) == place)
            #expect(aliases.alias(for: place, current: validated) == alias)
            guard Bool.random(using: &random), alias != validated else { continue }
            #expect(alias.socketAddress.ipAddress != validated.socketAddress.ipAddress)
            aliases.validate(alias)
            (previous, validated) = (validated, alias)
            #expect(aliases.isValidated(place))
        }
    }

    /// Strangers' addresses push out no alias that packets are sent to.
    @Test func pathsInUseKeepTheirAliases() throws {
        let first = try Self.address(1)
        let aliases = PathAliases(first: first)
        var current = first
        func move(to port: Int) throws -> DatagramAddress {
            current = try aliases.alias(for: ClientPath(Self.address(port)), current: current)
            return current
        }
        let before = try move(to: 10)
        aliases.validate(before)
        let validated = try move(to: 11)
        aliases.validate(validated)
        let unvalidated = try move(to: 12)
        for port in 100..<200 { _ = try aliases.alias(for: ClientPath(Self.address(port)), current: current) }
        for (alias, port) in [(before, 10), (validated, 11), (unvalidated, 12)] {
            #expect(try aliases.path(of: alias) == ClientPath(Self.address(port)))
        }
    }
}
