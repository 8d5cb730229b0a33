extension String {
    /// What a string of a request has to look like.
    package enum Form: Sendable {
        case any
        /// So many characters.
        case length(ClosedRange<Int>)
        case oneOf([String])
        /// An instant (RFC 3339).
        case dateTime

        func objection(to string: String) -> String? {
            switch self {
            case .any: nil
            case .length(let range):
                range.contains(string.count)
                    ? nil : "has to be of \(range.lowerBound) to \(range.upperBound) characters"
            case .oneOf(let allowed):
                allowed.contains(string) ? nil : "has to be one of: \(allowed.joined(separator: ", "))"
            case .dateTime: WallTime(string) == nil ? "has to be an instant such as 2026-01-31T23:59:59.000+00:00" : nil
            }
        }
    }
}
