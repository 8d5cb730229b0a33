/// A number of events in a time, as EMQX writes it: `1000/s`, `5000/10s`, `60/m`.
package struct EventRate: Sendable, Equatable {
    /// 1 and up.
    package let count: Int
    /// Longer than zero.
    package let time: Duration

    package init(count: Int, time: Duration) {
        self.count = count
        self.time = time
    }

    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
        guard parts.count == 2, let count = Int(parts[0]), count > 0, let unit = parts[1].first else { return nil }
        // A unit without a number is one of that unit.
        let text = unit.isNumber ? parts[1] : "1" + parts[1]
        guard Int(text) == nil, let time = TimeSpan.duration(of: text), time > .zero else { return nil }
        self.init(count: count, time: time)
    }

    var text: String { "\(count)/\(TimeSpan.text(time))" }
}

extension ValueForm<EventRate> {
    package static var rate: ValueForm {
        .text("a rate such as 1000/s or 5000/10s", read: { EventRate($0) }, write: { HOCONText.quoted($0.text) })
    }
}
