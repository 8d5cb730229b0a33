import ArgumentParser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Standard output and standard error without a buffer, for tools whose output is read line by line while they run.
enum Terminal {
    static func print(_ text: String) { write(Array((text + "\n").utf8), to: STDOUT_FILENO) }

    static func note(_ text: String) { write(Array((text + "\n").utf8), to: STDERR_FILENO) }

    /// Writes all octets. Ends the process with code 0 if the reader of a pipe has closed it (EPIPE).
    static func write(_ octets: [UInt8], to descriptor: Int32 = STDOUT_FILENO) {
        octets.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: rest))
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EPIPE {
                    exit(0)
                } else if errno != EINTR && errno != EAGAIN {
                    return
                }
            }
        }
    }

    /// Writes an error to standard error, and returns the exit code to throw.
    static func failure(_ text: String, code: Int32) -> ExitCode {
        note("martlet \(text)")
        return ExitCode(code)
    }

    /// Text that a client chose, as a part of a line: what could end the line or move the cursor is escaped as in Swift's string literals.
    static func inline(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                line += "\\u{\(String(scalar.value, radix: 16))}"
            default: line.unicodeScalars.append(scalar)
            }
        }
        return line
    }

    /// Seconds since 1970, with nine decimals.
    static var unixTime: String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let fraction = String(time.tv_nsec)
        return "\(time.tv_sec).\(String(repeating: "0", count: 9 - fraction.count))\(fraction)"
    }

    private static func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
            Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #else
            Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}
