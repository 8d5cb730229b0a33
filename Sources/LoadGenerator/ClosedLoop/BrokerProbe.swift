import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Processor time and memory of the broker's process, from `/proc`.
struct BrokerProbe: Sendable {
    /// What the process has used at one instant.
    struct Sample: Sendable {
        /// Processor time of all its threads so far.
        let cpuSeconds: Double
        /// Resident memory.
        let kibibytes: Double
    }

    let pid: Int

    /// - Throws: ``UsageError`` when there is no such process, or no `/proc`.
    func sample() throws(UsageError) -> Sample {
        do {
            let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
            return Sample(cpuSeconds: Self.cpuSeconds(stat), kibibytes: Self.kibibytes(status))
        } catch {
            throw UsageError("--broker-pid: there is no process \(pid)")
        }
    }

    /// utime and stime, the 14th and 15th fields of proc(5); the name before them may contain blanks and brackets.
    static func cpuSeconds(_ stat: String) -> Double {
        guard let end = stat.lastIndex(of: ")") else { return 0 }
        let fields = stat[end...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    static func kibibytes(_ status: String) -> Double {
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Double($0) } ?? 0
    }

    /// Processor time of this process so far, in seconds.
    static var ownCPUSeconds: Double {
        var usage = rusage()
        #if canImport(Glibc)
            getrusage(RUSAGE_SELF.rawValue, &usage)
        #else
            getrusage(RUSAGE_SELF, &usage)
        #endif
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
