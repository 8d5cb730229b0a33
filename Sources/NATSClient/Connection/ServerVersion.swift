/// The version of a nats-server, as INFO says it: `2.15.1`, or `2.16.0-RC.2` before its release.
package struct ServerVersion: Comparable, Sendable, CustomStringConvertible {
    package let major: Int
    package let minor: Int
    package let patch: Int
    package let isPrerelease: Bool

    /// The oldest version that is accepted. Compare-and-set of older ones does not fence (2.9), or costs a synchronisation of the disk
    /// for each message (2.10 to 2.14).
    package static let least = ServerVersion(major: 2, minor: 15, patch: 0)

    package init(major: Int, minor: Int, patch: Int, isPrerelease: Bool = false) {
        self.major = major
        self.minor = minor
        self.patch = patch
        self.isPrerelease = isPrerelease
    }

    /// `nil` for a text that is no version.
    package init?(_ text: String) {
        let build = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)[0]
        let parts = build.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let words = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let numbers = words.compactMap { word in
            (1...6).contains(word.utf8.count) && word.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(word) : nil
        }
        guard words.count == 3, numbers.count == 3 else { return nil }
        self.init(major: numbers[0], minor: numbers[1], patch: numbers[2], isPrerelease: parts.count > 1)
    }

    package var description: String { "\(major).\(minor).\(patch)\(isPrerelease ? " (prerelease)" : "")" }

    package static func < (one: Self, other: Self) -> Bool {
        (one.major, one.minor, one.patch, one.isPrerelease ? 0 : 1)
            < (other.major, other.minor, other.patch, other.isPrerelease ? 0 : 1)
    }
}
