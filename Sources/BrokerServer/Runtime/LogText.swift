/// Text that a client chose, in a form that is fit for the log: one line, bounded, and without anything that could be
/// taken for the log's own structure or move the cursor of a terminal.
///
/// Text of plain characters stays as it is. Other text stands in quotation marks, with escapes as Swift's string literals have
/// them.
package struct LogText: CustomStringConvertible {
    package let description: String

    /// Unicode scalars; of longer text the rest is left out, and its length in octets is given.
    static let maximumLength = 128

    package init(_ text: String) {
        let shown = text.unicodeScalars.prefix(Self.maximumLength)
        var escaped = ""
        if !shown.isEmpty, shown.allSatisfy(Self.isPlain) {
            escaped.unicodeScalars.append(contentsOf: shown)
        } else {
            escaped = "\""
            for scalar in shown {
                switch scalar {
                case "\"", "\\": escaped += "\\\(scalar)"
                case _ where Self.isHarmless(scalar): escaped.unicodeScalars.append(scalar)
                default: escaped += "\\u{\(String(scalar.value, radix: 16))}"
                }
            }
            escaped += "\""
        }
        if shown.endIndex != text.unicodeScalars.endIndex { escaped += "…(\(text.utf8.count) octets)" }
        description = escaped
    }

    /// Whether text of such scalars alone needs no quotation marks.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", ":", "/", "@", "+", "$", "%", "#", "*", "!", "~": true
        default: false
        }
    }

    /// Whether a scalar may stand between quotation marks as it is.
    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .spaceSeparator: scalar == " "
        // Format characters change the direction of text or are not seen; some readers take the separators for line ends.
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate: false
        default: true
        }
    }
}
