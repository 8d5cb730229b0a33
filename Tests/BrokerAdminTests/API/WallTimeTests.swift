import Testing

@testable import BrokerAdmin

/// RFC 3339.
@Suite struct WallTimeTests {
    @Test(
        "Read",
        arguments: [
            ("1706745599123", 1_706_745_599_123), ("2024-01-31T23:59:59.123+00:00", 1_706_745_599_123),
            ("2024-02-01T07:59:59.123+08:00", 1_706_745_599_123), ("2024-01-31T23:59:59Z", 1_706_745_599_000),
            ("2024-01-31T23:59:59.123 00:00", 1_706_745_599_123),
        ] as [(String, Int64)]
    )
    func read(_ text: String, _ milliseconds: Int64) { #expect(WallTime(text)?.milliseconds == milliseconds) }

    @Test("Not read", arguments: ["", "yesterday", "-1", "2024-13-01T00:00:00Z"])
    func refused(_ text: String) { #expect(WallTime(text) == nil) }

    @Test("Written with an offset, never with Z") func written() {
        #expect(WallTime(milliseconds: 1_706_745_599_123).text == "2024-01-31T23:59:59.123+00:00")
        #expect(WallTime(milliseconds: 1_706_745_599_007).text == "2024-01-31T23:59:59.007+00:00")
    }
}
