/// Writes a configuration as HOCON, each value with a comment that says where it comes from (`martlet serve --print-config`).
package struct ConfigurationText {
    private let origin: (_ path: [String]) -> Origin?
    private var lines: [(text: String, comment: String)] = []
    private var indentation = ""
    /// The values as HOCON text, by dotted key, without secrets.
    private(set) var values: [String: String] = [:]
    /// The number of first parts of a path that are not written, because an enclosing object has them.
    private var dropped = 0

    init(origin: @escaping (_ path: [String]) -> Origin?) { self.origin = origin }

    /// The greatest column of comments, which otherwise follow the longest line.
    private static let farthestComment = 72

    var text: String {
        let width = min(lines.map(\.text.count).max() ?? 0, ConfigurationText.farthestComment)
        return lines.map { line in
            guard !line.comment.isEmpty else { return line.text + "\n" }
            return line.text + String(repeating: " ", count: max(0, width - line.text.count)) + "  # \(line.comment)\n"
        }.joined()
    }

    /// Adds the line of one key.
    ///
    /// - Parameter value: HOCON text; `nil` for a key that is not set, which is left out, and for a secret, which is only
    ///   mentioned.
    mutating func add(_ value: String?, isSecret: Bool, at path: [String]) {
        let key = HOCONText.path(path.dropFirst(dropped))
        let place = origin(path)
        if let value, !isSecret {
            values[HOCONText.path(path)] = value
            lines.append(("\(indentation)\(key) = \(value)", (place ?? .builtIn).place))
        } else if isSecret, let place {
            lines.append(("\(indentation)# \(key) is hidden", place.place))
        }
    }

    /// Adds the lines of a list of objects.
    ///
    /// - Parameter write: writes the keys of one element, which stand below the path that is given.
    mutating func addList(
        _ count: Int,
        at path: [String],
        write: (_ index: Int, _ path: [String], inout ConfigurationText) -> Void
    ) {
        let key = HOCONText.path(path.dropFirst(dropped))
        if count == 0 { return lines.append(("\(indentation)\(key) = []", (origin(path) ?? .builtIn).place)) }
        let outer = (indentation, dropped)
        lines.append(("\(indentation)\(key) = [", ""))
        for index in 0..<count {
            lines.append(("\(outer.0)  {", ""))
            indentation = outer.0 + "    "
            dropped = path.count + 1
            write(index, path + ["\(index + 1)"], &self)
            lines.append(("\(outer.0)  }", ""))
        }
        (indentation, dropped) = outer
        lines.append(("\(indentation)]", ""))
    }
}
