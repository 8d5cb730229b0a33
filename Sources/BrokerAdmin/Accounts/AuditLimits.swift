/// Bounds of the audit log.
package struct AuditLimits: Sendable, Equatable {
    /// Entries in memory, and how many of them may be failed attempts to sign in, which anybody can cause.
    package var maximumEntries = 5_000
    package var maximumFailures = 1_000
    /// Failed attempts to sign in that are entries, in a minute; further ones are counted.
    package var failuresPerMinute = 10
    /// Characters of each text of an entry.
    package var maximumText = 512
    /// Octets of the file, after which it is the earlier one and another is begun.
    package var maximumFile = 4 << 20
    /// Octets that wait for the disk; beyond, entries are in memory only.
    package var maximumPending = 1 << 20

    package init() {}
}
