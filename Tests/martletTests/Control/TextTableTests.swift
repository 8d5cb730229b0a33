import Testing

@testable import martlet

@Suite struct TextTableTests {
    @Test("Columns are as wide as they need to be, and lines have no spaces at their ends")
    func aligns() {
        var table = TextTable([">N", "NAME", "REST"])
        table.add(["1", "Größe", ""])
        table.add(["128", "a", "x"])
        #expect(table.lines == ["  N  NAME   REST", "  1  Größe", "128  a      x"])
    }
}
