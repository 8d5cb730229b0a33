/// What a configuration file may cost. A file can come from somebody else (a manifest, an include), so that nothing in
/// it may hang or crash the program that reads it.
package struct HOCONLimits: Sendable {
    /// Bytes of all files together, includes too. Default 1 MiB.
    package var maximumBytes = 1 << 20
    /// Objects and lists within each other; a dotted key counts once for each of its parts. Default 32.
    package var maximumDepth = 32
    /// Files that include each other in a chain. Default 8.
    package var maximumIncludeDepth = 8
    /// Files that are included altogether. Default 64.
    package var maximumIncludes = 64
    /// Steps of resolving: one for each value that is looked at, copied or merged. Stops files whose references double
    /// their size again and again. Default 200,000.
    package var maximumSteps = 200_000
    /// Values within each other once the references are replaced, and references that lead to references. Default 64.
    package var maximumResolvedDepth = 64
    /// Bytes of all strings that are joined from several pieces. Default 1 MiB.
    package var maximumJoinedBytes = 1 << 20

    package init() {}
}
