import BrokerStorage
import Foundation
import StoreFixture
import Testing

/// Disks that are full, cannot be written, fail or are slow, each made to happen to a process of its own.
struct DiskFaultTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// A library that stands before the C library's `write` and `sync` of the store's files, and does as the file at FAULT says.
    private func shim(_ fault: String = "") throws -> [String: String] {
        let source = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Outside/faulty_disk.c")
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["cc", "-shared", "-fPIC", "-o", folder.file("shim.so"), source.path, "-ldl"]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
        try set(fault)
        return ["LD_PRELOAD": folder.file("shim.so"), "FAULT": folder.file("fault")]
    }

    private func set(_ fault: String) throws { try folder.write(Data(fault.utf8), to: "fault") }

    /// Sees that everything that the probe was told is there, in order.
    private func expectAll(_ said: [[String]], in log: CommitLog) throws {
        var durable: [UInt8: UInt64] = [:]
        for words in said where words[0] == "durable" {
            let source = try #require(UInt8(words[1]))
            durable[source] = UInt64(words[2])
        }
        var found: [UInt8: UInt64] = [:]
        try log.recover { recovered in
            guard case .commit(_, let octets) = recovered else {
                Issue.record("\(recovered)")
                return
            }
            for batch in try #require(ProbeBatch.all(in: octets)) {
                if let earlier = found[batch.source] { #expect(batch.sequence == earlier + 1) }
                found[batch.source] = batch.sequence
            }
        }
        for (source, sequence) in durable { #expect(try #require(found[source]) >= sequence) }
    }

    @Test(.enabled(if: isRoot)) func goesOnWhenAFullDiskHasSpaceAgain() async throws {
        // 16 MiB, of which 2 are the reserve, and room for a little more than what is kept.
        let probe = try Probe(
            folder,
            ["octets=8000", "reserve=2097152", "queued=262144", "checkpoint=200", "keep=50", "draining=4", "pause=2"],
            mount: "size=16m"
        )
        try await probe.wait(for: "durable", times: 20)
        let filler = probe.file("filler", in: folder)
        #expect(FileManager.default.createFile(atPath: filler, contents: nil))
        let file = try #require(FileHandle(forWritingAtPath: filler))
        // Fills the disk to its last octet.
        while (try? file.write(contentsOf: Data(repeating: 7, count: 65_536))) != nil {}
        while (try? file.write(contentsOf: Data(repeating: 7, count: 512))) != nil {}
        try await probe.wait(for: "health", "full")
        try await probe.wait(for: "admission")
        let before = probe.count("durable")
        try await probe.wait(for: "refused")
        // From the reserve, what drains is still written.
        try await probe.wait(for: "durable", times: before + 10)

        try file.close()
        try FileManager.default.removeItem(atPath: filler)
        try await probe.wait(for: "admission", "all")
        let after = probe.count("durable")
        try await probe.wait(for: "durable", times: after + 50)
        let said = probe.said
        let lines = probe.errorText.split(separator: "\n")
        #expect(lines.filter { $0.contains("state=full") }.count == 1, "\(lines)")
        #expect(lines.filter { $0.contains("state=well") }.count == 1, "\(lines)")
        let copy = try TestFolder()
        // Stopped, so that the files are of one instant.
        kill(probe.process.processIdentifier, SIGSTOP)
        for name in ["commits.db", "commits.db-wal"] {
            try copy.write(Data(contentsOf: URL(fileURLWithPath: probe.file(name, in: folder))), to: name)
        }
        try expectAll(said, in: CommitLog.open(folder: copy.path))
    }

    @Test(.enabled(if: isRoot)) func refusesAFileSystemThatCannotBeWritten() async throws {
        let probe = try Probe(folder, [], mount: "size=16m,ro")
        try await wait(for: "the end") { !probe.process.isRunning }
        #expect(probe.process.terminationStatus != 0)
        #expect(probe.errorText.contains("Read-only file system"), "\(probe.errorText)")
    }

    @Test func goesOnWhenWritingIsAllowedAgain() async throws {
        let probe = try Probe(folder, ["octets=2000", "pause=2"], environment: shim())
        try await probe.wait(for: "durable", times: 20)
        try set("readonly")
        try await probe.wait(for: "health", "failing")
        try await probe.wait(for: "admission")
        try set("")
        try await probe.wait(for: "admission", "all")
        let after = probe.count("durable")
        try await probe.wait(for: "durable", times: after + 20)
        probe.kill()
        #expect(probe.errorText.split(separator: "\n").filter { $0.contains("state=failing") }.count == 1)
        try expectAll(probe.said, in: CommitLog.open(folder: folder.path))
    }

    @Test func endsWhenASyncFails() async throws {
        let probe = try Probe(folder, ["octets=2000", "pause=1"], environment: shim())
        try await probe.wait(for: "durable", times: 20)
        try set("unsynced")
        try await wait(for: "the end") { !probe.process.isRunning }
        #expect(probe.process.terminationStatus == 70)
        let said = probe.said
        let failed = try #require(said.firstIndex(of: ["failed", "unsynced"]))
        #expect(!said[failed...].contains { $0[0] == "durable" })
        #expect(probe.errorText.contains("state=ended"), "\(probe.errorText)")
        try set("")
        try expectAll(probe.said, in: CommitLog.open(folder: folder.path))
    }

    @Test func saysThatADiskIsSlowAndGoesOn() async throws {
        let probe = try Probe(folder, ["octets=2000", "pause=2"], environment: shim())
        try await probe.wait(for: "durable", times: 20)
        try set("slow")
        try await probe.wait(for: "health", "slow")
        let count = probe.count("durable")
        try await probe.wait(for: "durable", times: count + 4)
        try set("")
        try await probe.wait(for: "health", "well", times: 2)
        #expect(probe.count("refused") == 0 && probe.count("admission") == 0)
        probe.kill()
        try expectAll(probe.said, in: CommitLog.open(folder: folder.path))
    }
}
