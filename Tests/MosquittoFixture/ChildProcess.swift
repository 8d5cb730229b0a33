#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A program that runs beside the tests, without output. Waiting for it never blocks a thread, of which tests have few.
final class ChildProcess {
    private let pid: pid_t
    private var hasEnded = false

    /// - Throws: ``Mosquitto/Failure`` when the program cannot be started.
    init(_ executable: String, _ arguments: [String]) throws(Mosquitto.Failure) {
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
            throw Mosquitto.Failure(description: "\(executable) does not start")
        }
        self.pid = pid
    }

    var isRunning: Bool {
        if !hasEnded { hasEnded = waitpid(pid, nil, WNOHANG) != 0 }
        return !hasEnded
    }

    /// Ends the program, by force if it does not obey within two seconds.
    func stop() async {
        guard isRunning else { return }
        kill(pid, SIGTERM)
        for _ in 0..<200 where isRunning { try? await Task.sleep(for: .milliseconds(10)) }
        guard isRunning else { return }
        kill(pid, SIGKILL)
        while isRunning { try? await Task.sleep(for: .milliseconds(10)) }
    }
}
