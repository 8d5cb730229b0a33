import NATSClient
import Testing

@Suite struct SubjectTests {
    @Test(arguments: ["a", "martlet.c.lane.7", "a.*.>", "$JS.API.STREAM.INFO.x", String(repeating: "a", count: 1_024)])
    func accepted(_ text: String) { #expect(Subject(text)?.description == text) }

    @Test(arguments: [
        "", ".", "a.", ".a", "a..b", "a b", "a\tb", "a\r\nPUB", "a\u{7F}", String(repeating: "a", count: 1_025),
    ])
    func refused(_ text: String) { #expect(Subject(text) == nil) }
}
