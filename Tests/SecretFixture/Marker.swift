import Foundation

/// A secret that tests put wherever one is held, and then look for in all descriptions of its holder.
package enum Marker {
    package static let text = "marker-7f3a"
    package static let octets = Array(text.utf8)
    /// The octets, repeated to 32.
    package static let key = Array((octets + octets + octets).prefix(32))

    /// All ways in which a value becomes a text without its own doing.
    package static func descriptions(of value: some Any) -> [String] {
        var dumped = ""
        dump(value, to: &dumped)
        var printed = ""
        debugPrint(value, to: &printed)
        return ["\(value)", String(describing: value), String(reflecting: value), printed, dumped]
    }

    /// True if a description of `value` shows the marker, as text or octet by octet.
    package static func isShown(by value: some Any) -> Bool { descriptions(of: value).contains(where: isIn) }

    package static func isIn(_ text: String) -> Bool {
        if text.contains(Self.text) { return true }
        let words = text.split { !$0.isLetter && !$0.isNumber }.joined(separator: ",")
        let decimal = octets.prefix(6).map { "\($0)" }.joined(separator: ",")
        let hexadecimal = octets.prefix(6).map { String($0, radix: 16) }
        return words.contains(decimal) || words.lowercased().contains(hexadecimal.joined(separator: ","))
            || text.lowercased().contains(hexadecimal.joined())
    }
}
