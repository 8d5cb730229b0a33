#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The limit of open file descriptors of this process (RLIMIT_NOFILE).
package enum DescriptorLimit {
    /// The soft limit, which the system enforces.
    package static var current: Int { Int(clamping: limits.rlim_cur) }

    /// Raises the soft limit to the hard limit, and returns what is in force.
    package static func raiseToHardLimit() -> Int {
        var wanted = limits
        wanted.rlim_cur = wanted.rlim_max
        _ = setrlimit(resource, &wanted)
        return current
    }

    /// Raises the limit to `count` or as near as the system allows, and returns what is in force.
    static func raise(to count: Int) -> Int {
        var wanted = limits
        guard wanted.rlim_cur < rlim_t(count) else { return current }
        wanted.rlim_cur = rlim_t(count)
        if wanted.rlim_max < wanted.rlim_cur {
            // Only a privileged process may raise the hard limit.
            wanted.rlim_max = wanted.rlim_cur
            if setrlimit(resource, &wanted) == 0 { return current }
            return raiseToHardLimit()
        }
        _ = setrlimit(resource, &wanted)
        return current
    }

    private static var limits: rlimit {
        var limits = rlimit()
        getrlimit(resource, &limits)
        return limits
    }

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
}
