import Testing

@testable import BrokerAdmin

@Suite struct QueryItemsTests {
    @Test("Decoded, in their order") func items() {
        let items = QueryItems("a=1&b=x%2Fy+z&a=%C3%BC&c&=4&d=%ZZ")
        #expect(items["a"] == ["1", "ü"])
        #expect(items["b"] == ["x/y z"])
        #expect(items["c"] == [""])
        #expect(items["d"] == [""])
        #expect(items["e"] == [])
    }
}
