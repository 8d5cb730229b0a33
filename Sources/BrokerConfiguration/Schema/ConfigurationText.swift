/// Writes a configuration as HOCON, each value with a comment that says where it comes from.
package struct ConfigurationText {
    private let origin: (_ path: [String]) -> Origin?
    private var lines: [(text: String, comment: String)] = []
    private var indentation = ""
    /// Keys are written relative to this many parts of their path.
    private var dropped = 0

    init(origin: @escaping (_ path: [String]) -> Origin?) { self.origin = origin }

    /// Comments stand in one column, but none farther to the right than this.
    private static let farthestComment = 72

    var text: String {
        let width = min(lines.map(\.text.count).max() ?? 0, ConfigurationText.farthestComment)
        return lines.map { line in
            guard !line.comment.isEmpty else { return line.text + "\n" }
            return line.text + String(repeating: " ", count: max(0, width - line.text.count)) + "  # \(line.comment)\n"
        }.joined()
    }

    /// - Parameter value: HOCON text, or nil when the key is not set or hidden; then it is only mentioned.
    mutating func add(_ value: String?, isSecret: Bool, at path: [String]) {
        let key = HOCONText.path(path.dropFirst(dropped))
        let place = origin(path)
        if let value {
            lines.append(("\(indentation)\(key) = \(value)", (place ?? .builtIn).place))
        } else if isSecret, let place {
            lines.append(("\(indentation)# \(key) is hidden", place.place))
        }
    }

    mutating func addList(_ elements: [some ConfigurationSection], at path: [String]) {
        let key = HOCONText.path(path.dropFirst(dropped))
        if elements.isEmpty { return lines.append(("\(indentation)\(key) = []", (origin(path) ?? .builtIn).place)) }
        let outer = (indentation, dropped)
        lines.append(("\(indentation)\(key) = [", ""))
        for (index, element) in elements.enumerated() {
            lines.append(("\(outer.0)  {", ""))
            indentation = outer.0 + "    "
            dropped = path.count + 1
            element.write(at: path + ["\(index + 1)"], into: &self)
            lines.append(("\(outer.0)  }", ""))
        }
        (indentation, dropped) = outer
        lines.append(("\(indentation)]", ""))
    }
}
