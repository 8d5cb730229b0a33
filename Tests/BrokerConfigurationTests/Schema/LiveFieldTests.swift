import BrokerConfiguration
import Testing

@Suite struct LiveFieldTests {
    private struct Root: Sendable {
        var word = "open"
    }

    @Test("A secret is never a key that is set at run time, and so never shown")
    func secrets() throws {
        let section = Section<Root>([.value("word", \.word, .string, isSecret: true, "A word.", .live)])
        let loaded = try ConfigurationSources(settings: ["word": "sesame"]).load(over: Root(), by: section)
        #expect(loaded.liveValues.isEmpty)
        let changed = try loaded.over(runtime: ["word": "other"])
        #expect(changed.configuration.word == "sesame" && changed.liveValues.isEmpty)
    }
}
