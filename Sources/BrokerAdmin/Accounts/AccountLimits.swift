/// Bounds of accounts. Times are in milliseconds.
package struct AccountLimits: Sendable, Equatable {
    // MARK: Records

    /// Characters of a name, and octets of a description.
    package var maximumName = 256
    package var maximumDescription = 1_024
    package var maximumUsers = 1_000
    package var maximumKeys = 100
    /// Tokens of all users, up to 65,536, and of one. The oldest goes for a further one.
    package var maximumTokens = 1_000
    package var maximumTokensOfUser = 50
    /// Tokens that one sweep removes.
    package var sweepMaximum = 100
    /// Attempts to change a record that others change as well.
    package var attempts = 4

    // MARK: Secrets

    /// Of PBKDF2 with HMAC-SHA-256; some 80 ms of one core.
    package var passwordIterations = 600_000
    /// Octets of the header `Authorization`.
    package var maximumAuthorization = 2_048
    /// Secrets that are known to be right without a derivation.
    package var maximumVerifiedSecrets = 256
    /// Derivations that wait for another one, for each urgency, and after how many seconds one who is refused for that may try again.
    package var maximumWaiting = 16
    package var queueRetry = 2

    // MARK: Guesses

    /// Failures within the window after which only one guess in each interval is answered.
    package var maximumFailures = 5
    package var failureWindow = 5 * 60_000
    package var guessInterval = 10_000
    /// Names and keys whose failures are counted.
    package var maximumGuessSubjects = 2_048

    // MARK: The bootstrap file

    package var maximumBootstrapOctets = 1 << 20
    package var maximumBootstrapKeys = 100
    /// Octets of a secret in it.
    package var maximumBootstrapSecret = 256

    package init() {}
}
