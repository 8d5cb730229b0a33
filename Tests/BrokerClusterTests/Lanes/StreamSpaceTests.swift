import BrokerCluster
import NIOCore
import Testing

@Suite struct StreamSpaceTests {
    private func learned(_ space: inout StreamSpace, _ octets: Int, stream: Int = 1) {
        space.learned(stream: stream, octets: octets, maximum: 3_200)
    }

    @Test("A stream is full beyond three quarters, and not any more a little below") func full() {
        var space = StreamSpace()
        #expect(!space.isFull && space.free == [.max, .max, .max, .max])
        learned(&space, 2_400)
        #expect(!space.isFull && space.free[1] == 800)
        learned(&space, 2_401)
        #expect(space.isFull)
        learned(&space, 2_301)
        #expect(space.isFull, "it is not at once empty enough")
        learned(&space, 2_300)
        #expect(!space.isFull)
        learned(&space, 4_000, stream: 3)
        #expect(space.isFull && space.free[3] == 0, "any stream will do, and none has less than nothing")
    }

    @Test("A stream without a bound is never full") func unbounded() {
        var space = StreamSpace()
        space.learned(stream: 0, octets: 1 << 40, maximum: -1)
        #expect(!space.isFull && space.free[0] == .max)
    }

    @Test("It is asked before a stream can be full, and often while one is") func interval() {
        var space = StreamSpace()
        #expect(space.interval == .seconds(1))
        let bound = 3 << 28
        for (left, interval) in [(bound, 1_000), (64 << 20, 1_000), (32 << 20, 500), (1 << 20, 100), (-1, 100)] {
            space.learned(stream: 2, octets: bound - left, maximum: 1 << 30)
            #expect(space.interval == .milliseconds(Int64(interval)), "\(left) octets are left")
        }
    }
}
