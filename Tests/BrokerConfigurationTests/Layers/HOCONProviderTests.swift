import BrokerConfiguration
import Configuration
import Testing

@Suite struct HOCONProviderTests {
    @Test func configReaderReadsTheSameValues() throws {
        let loaded = try load(
            "node { loops = 3, name = x }\nmqtt.keepalive_multiplier = 2\nallow_anonymous = on\n",
            environment: ["MARTLET_NODE__NAME": "y"]
        )
        let reader = ConfigReader(provider: loaded.provider)
        #expect(reader.int(forKey: "node.loops") == 3)
        #expect(reader.string(forKey: "node.name") == "y")
        #expect(reader.double(forKey: "mqtt.keepalive_multiplier") == 2)
        #expect(reader.bool(forKey: "allow_anonymous") == true)
        #expect(reader.scoped(to: "node").string(forKey: "loops") == "3")
        #expect(reader.string(forKey: "node.data_dir") == nil)
    }

    @Test func listsAreReadAndErrorsSaid() throws {
        let root = try HOCONDocument(parsing: "a = [1, 2]\nb = [x, y]\nc { d = 1 }\ne = null\n", named: "t").root
        let reader = ConfigReader(provider: HOCONProvider(root, name: "t"))
        #expect(reader.intArray(forKey: "a") == [1, 2])
        #expect(reader.stringArray(forKey: "a") == ["1", "2"])
        #expect(reader.stringArray(forKey: "b") == ["x", "y"])
        #expect(reader.string(forKey: "e") == nil)
        let numbered = try HOCONDocument(parsing: "a = [1, 2]\na.2 = 3\n", named: "t").root
        #expect(ConfigReader(provider: HOCONProvider(numbered, name: "t")).intArray(forKey: "a") == [1, 3])
        let error = #expect(throws: HOCONError.self) { try reader.requiredInt(forKey: "c") }
        #expect(error?.description == "t:3:1: c cannot be read as int")
    }
}
