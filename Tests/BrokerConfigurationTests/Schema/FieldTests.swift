import BrokerConfiguration
import FuzzHOCONParser
import Testing

@Suite struct FieldTests {
    @Test func namesAreLettersDigitsAndDashes() {
        #expect(
            problems(of: "listeners.tcp.\"a b\".bind = 1883") == [
                "martlet.conf:1:1: listeners.tcp.\"a b\": \"a b\" is not allowed; allowed: letters, digits, '_' and '-'"
            ]
        )
        #expect(
            problems(of: "listeners.tcp = 1883").first?.contains("an object of names, such as tcp { default") == true
        )
    }

    @Test func listsAreBoundedAndWithoutGaps() throws {
        let element = "{ mechanism = other, bootstrap_file = a }"
        let nine = Array(repeating: element, count: 9).joined(separator: ",")
        let gap = "authentication { 1 = \(element), 3 = \(element) }"
        for text in ["authentication = [\(nine)]", gap, "authentication = 5"] {
            let found = problems(of: text)
            #expect(found.count == 1 && found[0].hasSuffix("one object, or objects under their numbers 1, 2 and so on"))
        }
        #expect(try load("authentication = \(element)").configuration.authenticators.count == 1)
        #expect(try load("authentication { 1 = \(element), 2 = \(element) }").configuration.authenticators.count == 2)
    }

    /// A key that only asks for nothing may say so in any way.
    @Test(arguments: [
        "node.interval = 0s", "node.interval = 0", "node.interval = 0ms", "node.interval = disabled", "node.rules = []",
        "node.rules = allow all", "node.rules = [\"allow all\"]", "node.rules.1 = allow all", "feature.enable = off",
        "feature { enable = no, x = [1] }",
        "listeners.ws.default.enable = false", "listeners.ws { a { enabled = no, bind = 1 }, b.enable = off }",
        "listeners.ws {}",
        "file {}", "files { level = 1 }", "file { a { level = 1 }, enable = false }", "file.a.enable = false",
        "node.versions = [tlsv1.3, tlsv1.2]", "node.versions = \"tlsv1.2, tlsv1.3\"", "node.versions = tlsv1.3",
    ])
    func keysThatAskForNothingAreTaken(text: String) { #expect(problems(of: text).isEmpty, "\(problems(of: text))") }

    @Test(arguments: [
        ("node.interval = 1s", "nothing is done at intervals"), ("node.interval = off", "nothing is done at intervals"),
        ("node.rules = [a, b]", "there are no rules"), ("node.rules = {}", "there are no rules"),
        ("feature.enable = true", "it is not built"), ("listeners.ws.default.bind = 8083", "there is no such listener"),
        ("listeners.ws { a.enable = false, b.enable = true }", "there is no such listener"),
        ("listeners.ws = 8083", "there is no such listener"), ("file.enable = true", "there is no file"),
        ("file { a.enable = on }", "there is no file"), ("node.versions = [tlsv1.2]", "there is no other version"),
        ("node.versions = {}", "there is no other version"),
    ])
    func keysThatAskForSomethingAreRefused(text: String, reason: String) {
        let found = problems(of: text)
        #expect(found.count == 1 && found[0].hasSuffix("(\(reason))"), "\(found)")
    }

    @Test func keysWithoutEffectAreCollected() throws {
        let loaded = try load(
            "node.cookie = hush\nfeature { enable = false, a = 1, b { c = 2 } }",
            settings: ["node.cookie": "x"]
        )
        #expect(loaded.keysWithoutEffect == ["node.cookie", "feature.a", "feature.b"])
        #expect(loaded.notices.isEmpty && !loaded.text.contains("hush"))
        let many = (1...200).map { "feature.k\($0) = 1" }.joined(separator: "\n")
        #expect(try load(many).keysWithoutEffect.count == 100)
    }

    /// The later layer counts; in one layer both places must say the same.
    @Test func movedKeyIsReadAtItsNewPlace() throws {
        let key = "listeners.tcp.default."
        func listener(_ text: String, _ settings: [String: String] = [:]) throws -> SampleSettings.Listener? {
            try load(text, settings: settings).configuration.listeners["default"]
        }
        #expect(try listener(key + "certfile = a")?.chainFile == "a")
        #expect(try listener(key + "ssl_options.certfile = a", [key + "certfile": "b"])?.chainFile == "b")
        #expect(try listener(key + "certfile = a", [key + "ssl_options.certfile": "b"])?.chainFile == "b")
        #expect(try listener("\(key)certfile = a\n\(key)ssl_options { certfile = a, keyfile = k }")?.keyFile == "k")
        #expect(
            problems(of: "\(key)certfile = a\n\(key)ssl_options.certfile = b") == [
                "martlet.conf:1:1: \(key)certfile: is not what ssl_options.certfile says; allowed: one of the two keys, preferably ssl_options.certfile"
            ]
        )
        #expect(problems(of: "\(key)certfile = a\n\(key)ssl_options = 1").count == 1)
        #expect(try load(key + "certfile = a").text.contains(key + "ssl_options.certfile = \"a\""))
    }

    @Test func keysAreDescribed() {
        let keys = SampleSettings.section.describe(SampleSettings())
        #expect(Set(keys.map(\.key)).count == keys.count)
        let kinds = Dictionary(uniqueKeysWithValues: keys.map { ($0.key, $0.kind) })
        #expect(kinds["mqtt.max_inflight"] == .value(.live) && kinds["node.loops"] == .value(.atStart))
        #expect(kinds["node.interval"] == .fixed && kinds["node.cookie"] == .withoutEffect)
        #expect(kinds["feature.*"] == .withoutEffect && kinds["listeners.tcp.NAME.bind"] != nil)
        let values = ReferenceTable.values(keys)
        #expect(
            values.contains(
                "| `mqtt.max_mqueue_len` | `1000` | a whole number, at least 1, or infinity or 0 for no limit | Messages that wait. |\n"
            )
        )
        #expect(values.contains("| `authentication.bootstrap_file` | required |"))
        #expect(!values.contains("node.cookie"))
        let table = ReferenceTable.ofEMQX(keys)
        #expect(table.contains("| `node.interval` | `0s, disabled` | Nothing else: nothing is done at intervals. |\n"))
        #expect(table.contains("| `node.cookie` | anything | No effect: there is no cluster. |\n"))
    }
}
