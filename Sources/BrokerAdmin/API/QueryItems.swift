import Foundation

/// The parameters of a request's query, decoded.
struct QueryItems {
    private var items: [String: [String]] = [:]

    /// - Parameter query: what follows `?`, percent-encoded.
    init(_ query: some StringProtocol) {
        for item in query.split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(parts[0]) else { continue }
            items[name, default: []].append(parts.count > 1 ? Self.decode(parts[1]) ?? "" : "")
        }
    }

    private static func decode(_ text: some StringProtocol) -> String? {
        text.replacingOccurrences(of: "+", with: " ").removingPercentEncoding
    }

    /// All values of a parameter, in their order.
    subscript(name: String) -> [String] { items[name] ?? [] }
}
