import Testing

@testable import LoadGenerator

@Suite("Client identifiers and topics")
struct ClientIdentityTests {
    private func identity(_ words: [String], index: Int = 0) throws -> ClientIdentity {
        ClientIdentity(index: index, options: try BenchOptions(.sub, ["-t", "t"] + words))
    }

    @Test(
        "Client identifiers",
        arguments: [
            (["--prefix", "p"], "p_bench_sub_1"),
            (["--shortids"], "1"),
            (["--prefix", "p", "--shortids"], "p1"),
            (["--shortids", "-n", "100"], "101"),
        ]
    )
    func identifier(words: [String], expected: String) throws {
        #expect(try identity(words).clientIdentifier == expected)
    }

    @Test("Without a prefix: host or local address, a random number, the client's number")
    func randomIdentifier() throws {
        let first = try identity(["--ifaddr", "127.0.0.2,127.0.0.3"], index: 1)
        let parts = first.clientIdentifier.split(separator: "_")
        #expect(parts.count == 5)
        #expect(parts.first == "127.0.0.3")
        #expect(parts.last == "2")
        #expect(try identity(["--ifaddr", "127.0.0.2"], index: 1).clientIdentifier != first.clientIdentifier)
    }

    @Test("User names", arguments: [("u", "u"), ("%i", "3"), ("u%i", "u%i"), ("%rand_1", "1")])
    func userName(given: String, expected: String) throws {
        #expect(try identity(["-u", given], index: 2).userName == expected)
    }

    @Test(
        "Placeholders are whole levels",
        arguments: [
            ("a/%i/b", "a/1/b"), ("%c", "p1"), ("x/%u", "x/me"), ("%rand_1/%i", "1/1"), ("t/dev%i", "t/dev%i"),
            ("/%i", "/1"), ("%rand_0", "%rand_0"), ("%i/", "1/"),
        ]
    )
    func topic(template: String, expected: String) throws {
        let identity = try identity(["--prefix", "p", "--shortids", "-u", "me"])
        #expect(TopicTemplate(template).text(for: identity) == expected)
    }

    @Test("A sequence goes on with each message")
    func sequence() throws {
        let identity = try identity([])
        let template = TopicTemplate("%s")
        #expect(template.changes)
        let first = try #require(Int(template.text(for: identity)))
        let second = try #require(Int(template.text(for: identity)))
        #expect(second > first)
    }
}
