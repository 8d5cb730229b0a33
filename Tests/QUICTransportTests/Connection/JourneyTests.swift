import NIOCore
import Testing

@testable import QUICTransport

/// Clients that move again and again under traffic in both directions (RFC 9000 §9).
@Suite struct JourneyTests {
    /// Within three round trips of each move the connection flows, and each message is acknowledged as soon: a move every
    /// 100 ms for a minute of virtual time, with 30 ms of round trip.
    @Test(arguments: Journey.Way.allCases, [1, 2] as [UInt64])
    func messagesFlowWithinThreeRoundTripsOfAMove(way: Journey.Way, seed: UInt64) throws {
        let journey = try Journey(delay: .milliseconds(15), random: SplitMix(state: seed))
        try journey.travel(way, every: .milliseconds(100), times: 600, saying: .milliseconds(10))
        for traffic in [journey.up, journey.down] {
            #expect(traffic.count > 5_500 && traffic.deliveredCount == traffic.count)
            #expect(traffic.roundTrips.count == traffic.count)
            let gaps = journey.gaps(traffic).sorted()
            #expect(gaps.count == 600)
            for times in [gaps, traffic.roundTrips.sorted()] {
                #expect(times[times.count * 99 / 100] <= 3 * 30 + 30)
                #expect(try #require(times.last) <= 150)
            }
        }
        // Most validations of a path are complete before the client leaves it, and none is given up.
        #expect(journey.server.counters.addressChanges > 500)
        #expect(journey.server.counters.pathValidationsFailed == 0)
        #expect(journey.server.counters.dropped.tooManyAddresses == 0)
        journey.end()
        #expect(journey.server.connectionCount == 0)
    }

    /// A client that moves many times within a round trip, so that it uses up the server's connection identifiers, is found again
    /// where it stays.
    @Test(arguments: Journey.Way.allCases, [1, 2, 3] as [UInt64])
    func connectionSurvivesMovesWithinARoundTrip(way: Journey.Way, seed: UInt64) throws {
        let journey = try Journey(delay: .milliseconds(30), random: SplitMix(state: seed))
        try journey.travel(way, every: .milliseconds(2), times: 60, saying: .milliseconds(10))
        for traffic in [journey.up, journey.down] {
            #expect(traffic.deliveredCount == traffic.count)
            #expect(traffic.roundTrips.count == traffic.count)
        }
        journey.end()
        #expect(journey.server.connectionCount == 0)
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
