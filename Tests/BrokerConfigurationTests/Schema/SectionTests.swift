import BrokerConfiguration
import FuzzHOCONParser
import Testing

@Suite struct SectionTests {
    @Test func unknownKeysAreNamedWithTheNearestOne() {
        #expect(
            problems(of: "node.lops = 1") == [
                "martlet.conf:1:1: node.lops: there is no such key, did you mean loops?; allowed: name, data_dir, loops, password"
            ]
        )
        #expect(problems(of: "nothing_like_it = 1").first?.contains("did you mean") == false)
    }

    @Test func sectionIsAnObject() {
        let found = problems(of: "mqtt = [1]").first ?? ""
        #expect(
            found.hasPrefix(
                "martlet.conf:1:1: mqtt: a list is not allowed; allowed: an object of the keys max_inflight, "
            )
        )
    }

    @Test func namesOfOneKeyInOneLayerCollide() {
        #expect(
            problems(of: "listeners.tcp.default.enable = true\nlisteners.tcp.default.enabled = false") == [
                "martlet.conf:2:1: listeners.tcp.default.enabled: enabled and enable are names of the same key; allowed: one of them"
            ]
        )
    }

    @Test func missingKeyIsNamed() {
        #expect(
            problems(of: "authentication = [{ mechanism = other }]") == [
                "martlet.conf:1:19: authentication.1.bootstrap_file: is missing; allowed: the path of a file or folder"
            ]
        )
    }

    @Test func nullMeansNotSet() throws {
        #expect(try load("mqtt.max_inflight = 5\nmqtt.max_inflight = null").configuration.maximumInflight == 32)
        #expect(try load("listeners.tcp.default = null").configuration.listeners.count == 1)
    }

    @Test func completionSeesAllKeys() throws {
        #expect(try load("").configuration.allowsAnonymous)
        let users = "authentication { mechanism = other, bootstrap_file = u }\n"
        #expect(try !load(users).configuration.allowsAnonymous)
        #expect(try load(users + "allow_anonymous = true").configuration.allowsAnonymous)
    }

    @Test func problemsAreToldInTheOrderOfTheFile() {
        let found = problems(
            of: "mqtt.max_inflight = 0\nnodes.loops = 1\nlisteners.tcp.default.bind = x\n",
            environment: ["MARTLET_NODE__LOOPS": "many"],
            settings: ["node.lops": "1"]
        )
        #expect(found.count == 5)
        #expect(found[0].hasPrefix("martlet.conf:1:1: mqtt.max_inflight"))
        #expect(found[1].hasPrefix("martlet.conf:2:1: nodes: there is no such key, did you mean node?"))
        #expect(found[2].hasPrefix("martlet.conf:3:1: listeners.tcp.default.bind"))
        #expect(found[3].hasPrefix("--set node.lops: node.lops: there is no such key, did you mean loops?"))
        #expect(found[4].hasPrefix("MARTLET_NODE__LOOPS: node.loops: \"many\" is not allowed"))
    }

    @Test func onlyTheFirstHundredProblemsAreTold() {
        let text = (1...150).map { "key\($0) = 1" }.joined(separator: "\n")
        let error = #expect(throws: ConfigurationError.self) { try load(text) }
        #expect(error?.problems.count == 100)
        #expect(error?.description.hasSuffix("\nand 50 more") == true)
    }
}
