import Testing

@testable import QUICTransport

/// A rate with a burst.
@Suite struct TokenBucketTests {
    @Test func tokensComeBackWithTime() {
        var bucket = TokenBucket(burst: 3, interval: 100, now: 1_000)
        func take(_ now: UInt64) -> Bool { bucket.take(now: now) }
        #expect((0..<4).map { _ in take(1_000) } == [true, true, true, false])
        #expect(!take(1_099))
        #expect(take(1_100))
        #expect(!take(1_199))
        // A clock that stands still or goes back gives nothing.
        #expect(!take(900))
        #expect((0..<4).map { _ in take(100_000) } == [true, true, true, false])
    }

    @Test func bucketThatMustBeOverdrawnIsPaidFor() {
        var bucket = TokenBucket(burst: 2, interval: 100, now: 1_000)
        func wait(_ now: UInt64) -> UInt64 { bucket.wait(now: now) }
        func take(_ now: UInt64) -> Bool { bucket.take(now: now) }
        #expect(wait(1_000) == 0)
        for _ in 0..<4 { bucket.spend(now: 1_000) }
        #expect(wait(1_000) == 300)
        #expect(wait(1_250) == 50)
        #expect(!take(1_299))
        #expect(take(1_300))
        #expect(wait(1_300) == 100)
        #expect(wait(9_000) == 0)
    }
}
