import BrokerConfiguration
import Foundation
import FuzzHOCONParser
import Testing

@Suite struct HOCONIncludeTests {
    private func parse(
        _ text: String,
        named name: String = "etc/martlet.conf",
        files: [String: String],
        limits: HOCONLimits = HOCONLimits()
    ) throws(HOCONError) -> HOCONDocument {
        try HOCONDocument(parsing: Array(text.utf8), named: name, limits: limits) { path, _ in
            files[path].map { Array($0.utf8) }
        }
    }

    private func message(_ text: String, files: [String: String], limits: HOCONLimits = HOCONLimits()) -> String {
        do {
            _ = try parse(text, files: files, limits: limits)
            return "read without an error"
        } catch {
            return error.description
        }
    }

    @Test func includedFileIsMergedWhereItStands() throws {
        let root = try parse("a = 1\ninclude \"more.conf\"\nb = 3", files: ["etc/more.conf": "a = 2, b = 2"]).root
        #expect(root == (try HOCONParserTests.parse("a = 2, b = 3")))
        #expect(root.value(at: ["a"])?.origin == .file("etc/more.conf", line: 1, column: 1))
    }

    @Test func namesAreRelativeToTheIncludingFile() throws {
        let files = [
            "etc/d/one.conf": "include \"two.conf\"\ninclude \"../three.conf\"", "etc/d/two.conf": "two = 2",
            "etc/three.conf": "three = 3", "/abs/four.conf": "four = 4",
        ]
        let root = try parse("include \"d/one.conf\"\ninclude file(\"/abs/four.conf\")", files: files).root
        #expect(root == (try HOCONParserTests.parse("two = 2, three = 3, four = 4")))
    }

    @Test func referencesOfAFileIncludedInAnObjectAreLookedUpThereFirst() throws {
        let root = try parse(
            "x = 1, y = 1\na { include \"more.conf\" }",
            files: ["etc/more.conf": "x = 2\nb = ${x}\nc = ${y}"]
        ).root
        #expect(root == (try HOCONParserTests.parse("x = 1, y = 1, a { x = 2, b = 2, c = 1 }")))
    }

    @Test func missingFileIsMentionedUnlessRequired() throws {
        let document = try parse("a = 1\ninclude \"none.conf\"", files: [:])
        #expect(
            document.notices.map(\.description) == [
                "etc/martlet.conf:2:1: the included file etc/none.conf does not exist"
            ]
        )
        #expect(
            message("include required(\"none.conf\")", files: [:])
                == "etc/martlet.conf:1:1: the included file etc/none.conf does not exist"
        )
        #expect(
            message("include required(file(\"none.conf\"))", files: [:])
                == "etc/martlet.conf:1:1: the included file etc/none.conf does not exist"
        )
    }

    @Test func circlesAreErrors() {
        let files = ["etc/a.conf": "include \"./b.conf\"", "etc/b.conf": "x = 1\ninclude \"../etc/a.conf\""]
        #expect(
            message("include \"a.conf\"", files: files)
                == "etc/b.conf:2:1: the file etc/a.conf includes itself: etc/martlet.conf -> etc/a.conf -> etc/b.conf -> etc/a.conf"
        )
        #expect(message("include \"martlet.conf\"", files: ["etc/martlet.conf": ""]).contains("includes itself"))
    }

    @Test func depthAndNumberAreBounded() {
        let chain = Dictionary(
            uniqueKeysWithValues: (0..<20).map { ("etc/\($0).conf", "include \"\($0 + 1).conf\"") }
        )
        #expect(message("include \"0.conf\"", files: chain).contains("more than 8 levels deep"))
        let many = String(repeating: "include \"x.conf\"\n", count: 65)
        #expect(message(many, files: ["etc/x.conf": ""]).contains("more than 64 files are included"))
    }

    @Test func mistakesNameTheIncludedFile() {
        #expect(
            message("include \"x.conf\"", files: ["etc/x.conf": "a ="]).hasPrefix("etc/x.conf:1:4: expected a value")
        )
    }

    @Test func filesAreReadFromDisk() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hocon-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("include \"b.conf\"\nnode.loops = ${n}\n".utf8).write(to: folder.appendingPathComponent("a.conf"))
        try Data("n = 3\n".utf8).write(to: folder.appendingPathComponent("b.conf"))
        let path = folder.appendingPathComponent("a.conf").path
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationSources(file: path)
                .load(over: SampleSettings(), by: SampleSettings.section)
        }
        #expect(error?.problems.map(\.key) == ["n"])
        #expect(try ConfigurationFile.read(folder.appendingPathComponent("none").path, limit: 10) == nil)
        #expect(try ConfigurationFile.read(path, limit: 10)?.count == 11)
        #expect(throws: (any Error).self) { try ConfigurationFile.read(folder.path, limit: 10) }
        #expect(throws: (any Error).self) { try ConfigurationFile.read(path + "\0.conf", limit: 10) }
    }

    /// To read a pipe or a terminal could block for ever.
    @Test func onlyRegularFilesAreIncluded() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hocon-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = { (name: String) in folder.appendingPathComponent(name).path }
        #expect(mkfifo(path("pipe"), 0o600) == 0)
        try Data("node.loops = 3\n".utf8).write(to: folder.appendingPathComponent("real.conf"))
        try FileManager.default.createSymbolicLink(atPath: path("link.conf"), withDestinationPath: "real.conf")
        try Data("include \"link.conf\"\n".utf8).write(to: folder.appendingPathComponent("good.conf"))
        #expect(
            try ConfigurationSources(file: path("good.conf"))
                .load(over: SampleSettings(), by: SampleSettings.section).configuration.node.loops == 3
        )
        for name in [path("pipe"), "/dev/null", "/dev/ptmx", folder.path] {
            try Data("a = 1\ninclude \"\(name)\"\n".utf8).write(to: folder.appendingPathComponent("bad.conf"))
            let error = #expect(throws: ConfigurationError.self) {
                try ConfigurationSources(file: path("bad.conf"))
                    .load(over: SampleSettings(), by: SampleSettings.section)
            }
            #expect(
                error?.description
                    == "\(path("bad.conf")):2:1: the included file \(name) cannot be read: it is not a regular file"
            )
        }
    }
}
