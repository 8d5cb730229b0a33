import Foundation

/// An instant of the wall clock in the forms that the peer's REST interface has: RFC 3339 with a numeric offset, never `Z`, and a number since
/// 1970-01-01 UTC.
package struct WallTime: Sendable, Equatable {
    /// Milliseconds since 1970-01-01 UTC.
    package let milliseconds: Int64

    /// The end of the year 9999.
    static let latest: Int64 = 253_402_300_799_999

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Reads RFC 3339, or milliseconds since 1970-01-01 UTC.
    package init?(_ text: String) {
        if let number = Int64(text), (0...Self.latest).contains(number) {
            self.init(milliseconds: number)
            return
        }
        // What stands for `+` of an offset in a query that was not encoded.
        let text = text.replacingOccurrences(of: " ", with: "+")
        for style in [
            Date.ISO8601FormatStyle(includingFractionalSeconds: true), Date.ISO8601FormatStyle(),
        ] {
            if let date = try? style.parse(text) {
                self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1_000).rounded()))
                return
            }
        }
        return nil
    }

    /// RFC 3339 in UTC, with milliseconds; of instants since 1970.
    package var text: String {
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1_000)
        var text = Date(timeIntervalSince1970: Double(seconds)).formatted(Date.ISO8601FormatStyle())
        if text.hasSuffix("Z") { text.removeLast() }
        let digits = String(rest.magnitude)
        return text + "." + String(repeating: "0", count: 3 - digits.count) + digits + "+00:00"
    }
}
