/// How far a long operation is.
package struct StoreProgress: Sendable, Equatable {
    /// Octets that are done, 0 and up.
    package let done: Int
    /// Octets that there are in all, `done` and up.
    package let total: Int

    init(done: Int, total: Int) {
        self.done = max(0, min(done, total))
        self.total = max(0, total)
    }
}
