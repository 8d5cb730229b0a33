/// Why a listener could not open. The text names the listener and its address, and says what to do.
package struct ListenerError: Error, Sendable, CustomStringConvertible {
    package let listener: String
    package let description: String

    init(listener: String, _ description: String) {
        self.listener = listener
        self.description = "listener \(listener): \(description)"
    }
}
