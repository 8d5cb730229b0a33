import Foundation
import Testing

@testable import BrokerServer

@Suite struct NodeRunTests {
    @Test("Each run of a folder has a higher number, also behind 65535") func runs() throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(path: path)
        for number: UInt64 in 1...3 { #expect(try folder.beginRun().number == number) }
        let file = URL(fileURLWithPath: path + "/incarnation")
        #expect(try String(contentsOf: file, encoding: .utf8) == "3\n")
        try Data("65534\n".utf8).write(to: file)
        #expect(try (0..<3).map { _ in try folder.beginRun().incarnation } == [65_535, 0, 1])
        #expect(try String(contentsOf: file, encoding: .utf8) == "65537\n")
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(!FileManager.default.fileExists(atPath: path + "/incarnation.new"))
    }

    @Test("A folder is one running broker's") func folderIsHeld() throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(path: path)
        var first: NodeRun? = try folder.beginRun()
        do {
            _ = try DataFolder(path: path).beginRun()
            Issue.record("taken twice")
        } catch let failure as DataFolder.Failure {
            #expect(failure.description.contains(path) && failure.description.contains("node.data_dir"))
        }
        #expect(first?.number == 1)
        first = nil
        #expect(try folder.beginRun().number == 2)
    }

    @Test(
        "A number of runs that is none is an error that names the file",
        arguments: [
            "", "\n", "7", "seven\n", "-1\n", "18446744073709551615\n", "99999999999999999999\n", "\u{0}\u{0}\n",
        ]
    )
    func numberIsDamaged(text: String) throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(path: path)
        let file = URL(fileURLWithPath: path + "/incarnation")
        try Data(text.utf8).write(to: file)
        // Nothing is held behind it, and nothing is changed.
        for _ in 0..<2 {
            do {
                _ = try folder.beginRun()
                Issue.record("taken")
            } catch let failure as DataFolder.Failure {
                #expect(failure.description.contains(file.path))
            }
        }
        #expect(try Data(contentsOf: file) == Data(text.utf8))
    }
}
