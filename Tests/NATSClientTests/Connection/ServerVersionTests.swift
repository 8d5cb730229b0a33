import NATSClient
import Testing

@Suite struct ServerVersionTests {
    @Test(
        "Versions are ordered by their numbers, and a prerelease comes before its release",
        arguments: [
            ("2.9.10", false), ("2.10.27", false), ("2.14.99", false), ("2.15.0-RC.1", false), ("2.15.0", true),
            ("2.15.1", true), ("2.15.1+build", true), ("2.16.0-RC.1", true), ("3.0.0", true),
        ]
    )
    func ordered(_ text: String, _ isEnough: Bool) throws {
        #expect((try #require(ServerVersion(text)) >= .least) == isEnough)
    }

    @Test(arguments: ["", "2", "2.15", "2.15.x", "a.b.c", "2.15.1.0", "-2.15.1", "2..1", "2.15.9999999", "2.15.+1"])
    func refused(_ text: String) { #expect(ServerVersion(text) == nil) }
}
