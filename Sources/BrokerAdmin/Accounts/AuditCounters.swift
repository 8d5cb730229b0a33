/// What went wrong with the file of the audit log.
package struct AuditCounters: Equatable, Sendable {
    /// Writes that failed.
    package var diskErrors = 0
    /// Entries that are in memory only, for such errors or since the disk was too slow.
    package var unwritten = 0
    /// Lines that could not be read at the start.
    package var brokenLines = 0
}
