/// Bounds of what a configuration file may cost. A file can come from somebody else (a manifest, an include), so nothing in a
/// file may hang or crash the program that reads it.
package struct HOCONLimits: Sendable {
    /// Bytes of all files together, included ones too. Default 1 MiB.
    package var maximumBytes = 1 << 20
    /// Levels of objects and lists within each other; each part of a dotted key is a level. Default 32.
    package var maximumDepth = 32
    /// Files in a chain of includes. Default 8.
    package var maximumIncludeDepth = 8
    /// Included files in all. Default 64.
    package var maximumIncludes = 64
    /// Steps of resolving references, one for each value that is looked at, copied or merged. Without this bound a short file
    /// could double its values again and again. Default 200,000.
    package var maximumSteps = 200_000
    /// Levels of values after references are replaced, and of references that lead to references. Default 64.
    package var maximumResolvedDepth = 64
    /// Bytes of all strings that are concatenated from pieces. Default 1 MiB.
    package var maximumJoinedBytes = 1 << 20

    package init() {}
}
