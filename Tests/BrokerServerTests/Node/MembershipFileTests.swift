import BrokerCluster
import Foundation
import Testing

@testable import BrokerServer

@Suite struct MembershipFileTests {
    private func withFolder(_ body: (DataFolder) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(DataFolder(path: path))
    }

    @Test("The identity stays, and so do the number and the run")
    func remembers() throws {
        try withFolder { folder in
            let (ships, others) = (try #require(ClusterName("ships")), try #require(ClusterName("others")))
            let token: String
            do {
                let file = try folder.beginRun().membershipFile()
                token = file.token
                #expect(file.start == 1 && file.number(in: ships) == nil)
                try file.remember(number: 3, run: 65_537, in: ships)
                try file.remember(number: 3, run: 5, in: ships)
                #expect(file.number(in: ships) == 3 && file.number(in: others) == nil)
            }
            let file = try folder.beginRun().membershipFile()
            #expect(file.token == token && !token.isEmpty)
            #expect(file.start == 65_538, "higher than every run before")
            #expect(file.number(in: ships) == 3 && file.number(in: others) == nil)
        }
    }

    @Test("A file that says nothing is an error that names it", arguments: ["", "{}", "{\"token\":\"\"}", "7"])
    func damaged(text: String) throws {
        try withFolder { folder in
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path + "/member"))
            let run = try folder.beginRun()
            #expect { try run.membershipFile() } throws: { "\($0)".contains(folder.path + "/member") }
        }
    }
}
