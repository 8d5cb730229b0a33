/// Why the accounts cannot be set up as the configuration says. The text names the key of the configuration, and no secret.
package struct AccountFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
