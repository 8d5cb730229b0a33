/// Who waits for a derivation, one of which is under way at most.
struct DerivationQueue {
    /// The lower ones go first. Each has a bound of its own, so that guesses take no place of somebody who has proved who it is.
    enum Urgency: Int, CaseIterable {
        /// Of a user who is signed in, or of the start.
        case account
        /// Of an API key that exists.
        case apiKey
        /// Of anybody.
        case guest
    }

    private let maximum: Int
    private var isBusy = false
    private var waiting: [Urgency: [CheckedContinuation<Void, Never>]] = [:]

    /// - Parameter maximum: of those who wait, for each urgency.
    init(maximum: Int) { self.maximum = maximum }

    /// Those who wait.
    var count: Int { waiting.values.reduce(0) { $0 + $1.count } }

    /// True if a derivation may begin now, and does.
    mutating func begin() -> Bool {
        guard !isBusy else { return false }
        isBusy = true
        return true
    }

    func isFull(_ urgency: Urgency) -> Bool { waiting[urgency, default: []].count >= maximum }

    mutating func append(_ continuation: CheckedContinuation<Void, Never>, _ urgency: Urgency) {
        waiting[urgency, default: []].append(continuation)
    }

    /// A derivation has ended, and the next one begins.
    mutating func end() {
        for urgency in Urgency.allCases where !waiting[urgency, default: []].isEmpty {
            waiting[urgency]?.removeFirst().resume()
            return
        }
        isBusy = false
    }
}
