import Foundation
import Glibc

/// A `StoreProbe` in a process of its own, whose lines are read from a file while it runs.
final class Probe {
    let process = Process()
    private let lines: String
    private let errors: String

    /// - Parameters:
    ///   - settings: `KEY=NUMBER` of the probe.
    ///   - environment: beside that of the tests.
    ///   - mount: the options of a file system in memory that the folder is on, which only this process sees; needs root.
    init(_ folder: TestFolder, _ settings: [String], environment: [String: String] = [:], mount: String? = nil) throws {
        let name = UUID().uuidString
        lines = FileManager.default.temporaryDirectory.appending(path: "probe-\(name).out").path
        errors = FileManager.default.temporaryDirectory.appending(path: "probe-\(name).err").path
        for path in [lines, errors] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        let command = [Self.executable, "append", folder.path] + settings
        if let mount {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
            let script = "mount -t tmpfs -o \(mount) tmpfs '\(folder.path)' && exec \"$@\""
            process.arguments = ["-m", "--propagation", "private", "sh", "-c", script, "sh"] + command
        } else {
            process.executableURL = URL(fileURLWithPath: command[0])
            process.arguments = Array(command.dropFirst())
        }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: lines))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        kill()
        for path in [lines, errors] { try? FileManager.default.removeItem(atPath: path) }
    }

    /// The program beside the tests.
    private static var executable: String {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let besides = [tests, CommandLine.arguments[0]].map {
            URL(fileURLWithPath: $0).deletingLastPathComponent().appending(path: "StoreProbe").path
        }
        return besides.first(where: FileManager.default.isExecutableFile) ?? "StoreProbe"
    }

    /// The lines that the process has printed whole, each as its words.
    var said: [[String]] {
        let text = (try? String(contentsOfFile: lines, encoding: .utf8)) ?? ""
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map {
            $0.split(separator: " ").map(String.init)
        }
    }

    var errorText: String { (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "" }

    /// How often it has printed a line that begins so.
    func count(_ words: String...) -> Int { said.count { $0.starts(with: words) } }

    /// Waits until it has printed a line that begins so, `times` times.
    func wait(for words: String..., times: Int = 1) async throws {
        try await BrokerStorageTests.wait(for: "\(words) in \(said.suffix(5)), \(errorText)") {
            let isThere = said.count { $0.starts(with: words) } >= times
            if !isThere, !process.isRunning {
                throw TimedOut(what: "\(words): the probe ended: \(said.suffix(5)) \(errorText)")
            }
            return isThere
        }
    }

    /// Ends the process by SIGKILL, and waits for its end.
    func kill() {
        if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    /// The folder as the process sees it.
    func file(_ name: String, in folder: TestFolder) -> String {
        "/proc/\(process.processIdentifier)/root\(folder.file(name))"
    }
}

let isRoot = geteuid() == 0
