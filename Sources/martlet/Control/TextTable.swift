/// A table of text, whose columns are as wide as they need to be.
struct TextTable {
    private let titles: [String]
    private let isRight: [Bool]
    private var rows: [[String]] = []

    /// - Parameter titles: of the columns; those that begin with `>` are aligned to the right.
    init(_ titles: [String]) {
        isRight = titles.map { $0.hasPrefix(">") }
        self.titles = titles.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }
    }

    /// - Parameter cells: one for each column.
    mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The titles and the rows, without spaces at their ends.
    var lines: [String] {
        let widths = titles.indices.map { column in ([titles] + rows).map { $0[column].count }.max() ?? 0 }
        return ([titles] + rows).map { cells in
            let padded = cells.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - cells[column].count)
                return isRight[column] ? space + cells[column] : cells[column] + space
            }
            let line = padded.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
