import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A nats-server beside the tests. Waiting for it never blocks a thread, of which tests have few.
final class NATSProcess {
    private let pid: pid_t
    private var hasEnded = false

    /// The server that `scripts/setup` found or unpacked.
    static var executable: String {
        get throws {
            let environment = ProcessInfo.processInfo.environment
            let root = URL(filePath: #filePath).appending(path: "../../..").standardized
            let folders = (environment["PATH"] ?? "").split(separator: ":").map(String.init) + ["/usr/sbin"]
            let candidates =
                [environment["NATS_SERVER"], root.appending(path: ".build-nats/usr/sbin/nats-server").path].compactMap {
                    $0
                }
                + folders.map { $0 + "/nats-server" }
            guard let found = candidates.first(where: FileManager.default.isExecutableFile) else {
                throw NATSCluster.Failure(description: "nats-server is not installed: scripts/setup test does that")
            }
            return found
        }
    }

    init(_ executable: String, _ arguments: [String]) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        // Sockets of tests that run beside this one would live on in the child, and hold their ports.
        for descriptor in (STDERR_FILENO + 1)..<1024 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        var strings = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        var pid = pid_t()
        guard posix_spawn(&pid, executable, &actions, nil, &strings, environ) == 0 else {
            throw NATSCluster.Failure(description: "\(executable) does not start")
        }
        self.pid = pid
    }

    private var isRunning: Bool {
        if !hasEnded { hasEnded = waitpid(pid, nil, WNOHANG) != 0 }
        return !hasEnded
    }

    func send(_ signal: Int32) { if isRunning { kill(pid, signal) } }

    func end(by signal: Int32) async {
        send(signal)
        while isRunning { try? await Task.sleep(for: .milliseconds(10)) }
    }
}
