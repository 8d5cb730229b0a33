import Testing

@testable import BrokerConfiguration

@Suite struct EventRateTests {
    @Test(arguments: [
        ("1000/s", 1000, Duration.seconds(1)),
        ("5000/10s", 5000, .seconds(10)),
        ("60 / m", 60, .seconds(60)),
        ("1/1h", 1, .seconds(3600)),
        ("3/250ms", 3, .milliseconds(250)),
    ])
    func read(text: String, count: Int, time: Duration) throws {
        let rate = try #require(EventRate(text))
        #expect(rate == EventRate(count: count, time: time))
        #expect(EventRate(rate.text) == rate)
    }

    @Test(arguments: ["", "1000", "1000/", "/s", "0/s", "-1/s", "10/0s", "10/5", "a/s", "1/s/s", "1.5/s", "10/x"])
    func refuse(text: String) { #expect(EventRate(text) == nil) }
}
