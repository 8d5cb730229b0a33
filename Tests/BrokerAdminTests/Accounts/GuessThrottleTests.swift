import Testing

@testable import BrokerAdmin

@Suite struct GuessThrottleTests {
    private static let user = GuessThrottle.Subject.user("a")

    @Test(
        "After five failures within five minutes one guess in ten seconds is answered, and a right one clears the count"
    )
    func slows() {
        var throttle = GuessThrottle(AccountLimits())
        var now = 1_000_000
        for _ in 0..<5 {
            #expect(throttle.take(Self.user, now: now) == nil)
            throttle.failed(Self.user, now: now)
            now += 1_000
        }
        // The last failure was a second ago.
        #expect(throttle.take(Self.user, now: now) == 9)
        #expect(throttle.wait(Self.user, now: now + 8_001) == 1)
        now += 9_000
        #expect(throttle.wait(Self.user, now: now) == nil)
        #expect(throttle.take(Self.user, now: now) == nil)
        #expect(throttle.take(Self.user, now: now) == 10)
        #expect(throttle.take(.user("b"), now: now) == nil)
        throttle.succeeded(Self.user)
        #expect(throttle.take(Self.user, now: now) == nil && throttle.count == 0)
    }

    @Test("Failures of more than five minutes ago do not count")
    func window() {
        var throttle = GuessThrottle(AccountLimits())
        for time in [0, 299_996, 299_997, 299_998, 299_999] { throttle.failed(Self.user, now: time) }
        #expect(throttle.wait(Self.user, now: 299_999) == 10)
        #expect(throttle.wait(Self.user, now: 300_000) == nil)
        throttle.failed(Self.user, now: 300_000)
        #expect(throttle.wait(Self.user, now: 300_000) == 10)
        // A clock that was set back shuts nobody out.
        #expect(throttle.wait(Self.user, now: 0) == nil)
    }

    @Test("The table is bounded: what is over goes first, and then the oldest")
    func bound() {
        var limits = AccountLimits()
        #expect(limits.maximumGuessSubjects == 2_048)
        limits.maximumGuessSubjects = 3
        var throttle = GuessThrottle(limits)
        for number in 0..<3 { throttle.failed(.user("\(number)"), now: number) }
        throttle.failed(.user("3"), now: 3)
        #expect(throttle.count == 3)
        throttle.failed(.user("4"), now: 3 + limits.failureWindow)
        #expect(throttle.count == 1)
    }

    @Test("The bounds of guesses are five failures, five minutes and ten seconds")
    func defaults() {
        let limits = AccountLimits()
        #expect(limits.maximumFailures == 5 && limits.failureWindow == 300_000 && limits.guessInterval == 10_000)
    }
}
