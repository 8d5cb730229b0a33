/// State that a file and all files that it includes share: how to open files, what was read so far, and notices.
struct HOCONSession {
    let limits: HOCONLimits
    private let read: HOCONDocument.FileReader
    /// Paths of the files that are being read, the outermost first.
    private var open: [String] = []
    private var includes = 0
    private var bytes = 0
    private(set) var notices: [HOCONError] = []

    init(limits: HOCONLimits, read: @escaping HOCONDocument.FileReader) {
        self.limits = limits
        self.read = read
    }

    /// Counts `count` bytes of the file `name`, which is being read from now on.
    mutating func begin(_ name: String, bytes count: Int, at origin: Origin) throws(HOCONError) {
        bytes += count
        if bytes > limits.maximumBytes {
            throw HOCONError(
                origin: origin,
                message: "the configuration is larger than \(limits.maximumBytes) bytes, included files counted"
            )
        }
        open.append(name)
    }

    mutating func close() { _ = open.popLast() }

    /// Opens an included file, whose name is relative to the file that includes it.
    /// - Returns: `nil` if the file does not exist and is not required (HOCON.md, "Include semantics: missing files").
    mutating func open(
        include name: String,
        isRequired: Bool,
        from source: HOCONScanner.Source,
        at origin: Origin
    ) throws(HOCONError) -> (name: String, bytes: [UInt8])? {
        guard case .file(let includer) = source else {
            throw HOCONError(origin: origin, message: "only a file can include others")
        }
        includes += 1
        if includes > limits.maximumIncludes {
            throw HOCONError(origin: origin, message: "more than \(limits.maximumIncludes) files are included")
        }
        if open.count > limits.maximumIncludeDepth {
            throw HOCONError(
                origin: origin,
                message: "files include each other more than \(limits.maximumIncludeDepth) levels deep"
            )
        }
        let path = HOCONSession.path(of: name, relativeTo: includer)
        if open.contains(path) {
            throw HOCONError(
                origin: origin,
                message: "the file \(path) includes itself: \((open + [path]).joined(separator: " -> "))"
            )
        }
        let content: [UInt8]?
        do {
            content = try read(path, limits.maximumBytes)
        } catch {
            throw HOCONError(origin: origin, message: "the included file \(path) cannot be read: \(error)")
        }
        guard let content else {
            let missing = HOCONError(origin: origin, message: "the included file \(path) does not exist")
            if isRequired { throw missing }
            notices.append(missing)
            return nil
        }
        try begin(path, bytes: content.count, at: origin)
        return (path, content)
    }

    /// The path of `name`, relative to the folder of `includer`, without `.` and `..` as far as the text allows.
    static func path(of name: String, relativeTo includer: String) -> String {
        let joined =
            name.hasPrefix("/")
            ? name
            : includer.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
                + (includer.contains("/") ? "/" : "") + name
        var parts: [Substring] = []
        for part in joined.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." {
                parts.removeLast()
            } else {
                parts.append(part)
            }
        }
        return (joined.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }
}
