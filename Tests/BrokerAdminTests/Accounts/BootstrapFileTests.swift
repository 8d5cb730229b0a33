import SecretFixture
import Testing

@testable import BrokerAdmin

@Suite struct BootstrapFileTests {
    private static func read(_ text: String, _ limits: AccountLimits = AccountLimits()) throws -> BootstrapFile {
        try BootstrapFile(Array(text.utf8), path: "keys.txt", limits: limits)
    }

    @Test("Lines have a key, a secret and perhaps a role; blank ones are skipped")
    func lines() throws {
        let file = try Self.read("\u{FEFF}a:1\r\n\n  \t\nb:2:viewer\nc:3:publisher\nd:4:administrator\na:5:viewer")
        #expect(file.keys.map(\.key) == ["b", "c", "d", "a"])
        #expect(file.keys.map(\.secret) == ["2", "3", "4", "5"])
        #expect(file.keys.map(\.role) == [.viewer, .publisher, .administrator, .viewer])
        #expect(try Self.read("a:1").keys.map(\.role) == [.administrator])
        #expect(try Self.read("\n\n").keys.isEmpty)
        #expect(!Marker.isShown(by: try Self.read("a:\(Marker.text)")))
    }

    @Test("The name has the beginning of SHA-512 of the key")
    func name() throws {
        // printf abc | sha512sum
        #expect(try Self.read("abc:1").keys.first?.name == "from_bootstrap_file_ddaf35a193617aba")
    }

    @Test(
        "An invalid line is an error with its number, and without what it says",
        arguments: [
            "\(Marker.text)", ":\(Marker.text)", "\(Marker.text):", "a:\(Marker.text):king",
            "a:\(Marker.text):viewer:x",
            "a:\(Marker.text):", "a::\(Marker.text)", String(repeating: Marker.text, count: 30) + ":x",
            "a:" + String(repeating: Marker.text, count: 30),
        ]
    )
    func invalid(line: String) {
        #expect {
            try Self.read("k:s\n\n\(line)\nb:2\n")
        } throws: { error in
            let text = "\(error)"
            return text.hasPrefix("api_key.bootstrap_file: keys.txt:3: ") && !Marker.isIn(text)
        }
    }

    @Test("What is no text is an error with the number of its line")
    func octets() {
        #expect {
            try BootstrapFile([0x61, 0x3A, 0x31, 0x0A, 0xFF], path: "keys.txt", limits: AccountLimits())
        } throws: { "\($0)".hasPrefix("api_key.bootstrap_file: keys.txt:2: ") }
    }

    @Test("A file has 100 keys and a mebioctet at most")
    func bounds() async throws {
        var limits = AccountLimits()
        #expect(limits.maximumBootstrapKeys == 100 && limits.maximumBootstrapOctets == 1 << 20)
        limits.maximumBootstrapKeys = 2
        #expect(try Self.read("a:1\nb:2\na:3\n", limits).keys.count == 2)
        #expect { try Self.read("a:1\nb:2\nc:3\n", limits) } throws: { "\($0)".contains("keys.txt:3: ") }
        try await AccountsFixture.run { fixture in
            let path = try fixture.write("a:1\n", to: "keys")
            #expect(try BootstrapFile.read(path, limits).keys.count == 1)
            limits.maximumBootstrapOctets = 3
            #expect { try BootstrapFile.read(path, limits) } throws: { "\($0)".contains(path) }
            #expect { try BootstrapFile.read(fixture.file("none"), limits) } throws: { error in
                "\(error)".hasPrefix("api_key.bootstrap_file: cannot read \(fixture.file("none"))")
            }
        }
    }
}
