import NIOCore
import Testing

@testable import BrokerServer

@Suite struct LogTextTests {
    @Test("Plain text stays as it is", arguments: ["sensor-7", "fleet/car.1:x", "a"]) func plain(text: String) {
        #expect("\(LogText(text))" == text)
    }

    @Test(
        "Whatever could be taken for the log's own structure is marked",
        arguments: [
            ("", #""""#),
            ("a b", #""a b""#),
            ("x reason=normal", #""x reason=normal""#),
            ("a\"b\\", #""a\"b\\""#),
            ("a\nb\r", #""a\u{a}b\u{d}""#),
            ("\u{1B}[2J\u{0}\u{7F}\u{85}", #""\u{1b}[2J\u{0}\u{7f}\u{85}""#),
            ("\u{202E}gnp\u{2028}\u{A0}\u{FEFF}", #""\u{202e}gnp\u{2028}\u{a0}\u{feff}""#),
            ("häuser", #""häuser""#),
        ]
    ) func escaped(text: String, expected: String) {
        #expect("\(LogText(text))" == expected)
    }

    @Test("Long text is cut, and its length is said") func bounded() {
        let longest = String(repeating: "a", count: LogText.maximumLength)
        #expect("\(LogText(longest))" == longest)
        #expect("\(LogText(longest + "ä"))" == longest + "…(\(LogText.maximumLength + 2) octets)")
        let worst = String(repeating: "\u{10FFFF}", count: 16_383)
        #expect("\(LogText(worst))".utf8.count < 12 * LogText.maximumLength)
    }

    @Test(
        "Addresses are written as configuration writes them",
        arguments: [
            ("192.0.2.1", "192.0.2.1:5"), ("2001:db8::1", "[2001:db8::1]:5"), ("::ffff:192.0.2.1", "192.0.2.1:5"),
        ]
    ) func address(host: String, expected: String) throws {
        #expect(try SocketAddress(ipAddress: host, port: 5).hostAndPort == expected)
    }
}
