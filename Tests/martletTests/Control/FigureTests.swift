import Testing

@testable import martlet

@Suite struct FigureTests {
    @Test(
        "Octets",
        arguments: zip(
            [0, 999, 1_000, 1_536, 104_857, 3_250_586, 2 << 30, 5 << 40],
            [
                "0 B", "999 B", "1 KB", "1.5 KB", "102 KB", "3.1 MB", "2 GB", "5 TB",
            ]
        )
    )
    func octets(value: Int, text: String) { #expect(Figure.octets(value) == text) }

    @Test(
        "Times",
        arguments: zip(
            [0, 1_940, 45_000, 999_999, 1_000_000, 59_900_000, 61_000_000, 11_520_000_000, 180_000_000_000],
            [
                "0 ms", "1.9 ms", "45 ms", "1000 ms", "1 s", "59.9 s", "1 min", "3 h 12 min", "2 d 2 h",
            ]
        )
    )
    func times(microseconds: Int, text: String) { #expect(Figure.time(microseconds: microseconds) == text) }

    @Test("What others say moves no cursor and takes one short line")
    func plain() {
        #expect(Figure.plain("node\u{1B}[2J\nx\u{202E}") == "node?[2J?x?")
        #expect(Figure.plain("Größe 1") == "Größe 1")
        #expect(Figure.plain(String(repeating: "x", count: 50)) == String(repeating: "x", count: 39) + "…")
    }
}
