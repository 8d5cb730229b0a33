/// Finds the name that a user may have meant.
enum Spelling {
    /// - Returns: the name nearest to `word`, if at most a third of the letters differ.
    static func nearest(to word: String, among names: [String]) -> String? {
        // A longer word is no misspelling, and the cost is the product of the lengths.
        guard word.utf8.count <= 64 else { return nil }
        let ranked = names.map { (name: $0, distance: distance(word.lowercased(), $0)) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance * 3 <= max(best.name.count, 3) ? best.name : nil
    }

    /// The number of edits between two words: inserted, deleted and replaced letters, and swapped neighbours.
    private static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        var beforeLast = [Int]()
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                var cost = min(last[column + 1], current[column]) + 1
                cost = min(cost, last[column] + (left[row] == right[column] ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
