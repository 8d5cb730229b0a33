import MQTTBroker
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import BrokerServer

/// What a shard hands in while the store takes everything, and while it takes only what frees space.
@Suite struct ShardCommitsTests {
    /// Takes what it is told to take.
    private final class Store: CommitStore {
        struct State {
            var suspension: Suspension?
            var room = 1 << 30
            var released: Int64 = 0
            /// Whether what was handed in frees space, each in its turn.
            var submissions: [Bool] = []
        }

        let state = NIOLockedValueBox(State())
        let maximumDelay = TimeAmount.milliseconds(2)

        func recover(_ body: (ByteBuffer) throws -> Void) throws {}
        func connect(_ tell: @escaping @Sendable (CommitStoreEvent) -> Void) throws {}
        var suspension: Suspension? { state.withLockedValue { $0.suspension } }

        func submit(_ commit: ShardCommit, from shard: Int) -> Bool {
            state.withLockedValue {
                $0.submissions.append(commit.frees)
                return commit.frees || $0.suspension == nil
            }
        }

        func segment(_ number: UInt64) throws -> ByteBuffer? { nil }
        func removeSegments(except needed: Set<UInt64>) throws {}

        func release(below number: Int64, by shard: Int) { state.withLockedValue { $0.released = number } }
        func report() {}
        var octetCount: Int { 1 << 30 }
        var room: Int { state.withLockedValue { $0.room } }
        func close() {}
    }

    private let store = Store()
    private static let now = Instant(monotonic: .uptimeNanoseconds(1_000_000_000), wall: 1_000)

    /// The batches of a shard that has got a durable session, which make the store fuller.
    private func batches() -> [LaneBatch] {
        var shard = Shard(index: 0, count: 1, isLogging: true, random: SystemRandomNumberGenerator())
        let connection = shard.accept(Peer(address: nil, listener: "test"), now: Self.now)
        shard.receive(RawQUIC.connect("client", expiry: 100), on: connection, now: Self.now)
        return shard.takeBatches(now: Self.now)
    }

    @Test("A commit that was refused has the last of the space once the shard is suspended") func refused() {
        let commits = ShardCommits(store, shard: 0, octets: 0)
        store.state.withLockedValue { $0.suspension = .space }
        #expect(!commits.begin(batches(), now: Self.now))
        #expect(!commits.retry())
        commits.suspended(commits.storeSuspension)
        #expect(commits.retry())
        #expect(store.state.withLockedValue { $0.submissions } == [false, false, true])
        _ = commits.end(1)
        // What follows from what is there may have it, too, until everything is taken again.
        #expect(commits.begin(batches(), now: Self.now))
        _ = commits.end(2)
        commits.suspended(nil)
        store.state.withLockedValue { $0.suspension = nil }
        #expect(commits.begin(batches(), now: Self.now))
        #expect(store.state.withLockedValue { $0.submissions }.suffix(2) == [true, false])
    }

    @Test("A shard that has nothing needs none of the commits that another has cleaned away") func nothing() {
        let commits = ShardCommits(store, shard: 1, octets: 0)
        commits.clean(below: 40)
        #expect(commits.wantsCleaning)
        commits.beginCleaning()
        #expect(!commits.endWithoutCommit())
        commits.wroteAgain((octets: 0, isDone: true))
        #expect(commits.endWithoutCommit())
        #expect(store.state.withLockedValue { $0.released } == 40)
        #expect(!commits.wantsCleaning && !commits.endWithoutCommit())
    }

    @Test("The first cleaning of a run frees all commits of earlier runs") func firstCleaning() {
        let commits = ShardCommits(store, shard: 0, octets: 100 * ShardCommits.slack)
        #expect(commits.wantsCleaning)
        commits.beginCleaning()
        commits.wroteAgain((octets: 10, isDone: false))
        #expect(commits.begin(batches(), now: Self.now))
        #expect(!commits.end(700).hasCleaned)
        commits.wroteAgain((octets: 10, isDone: true))
        #expect(commits.begin(batches(), now: Self.now))
        #expect(commits.end(705).hasCleaned)
        #expect(store.state.withLockedValue { $0.released } == 700)
    }

    @Test("What is alive is looked at only where all that was logged has no room") func ampleRoom() {
        let commits = ShardCommits(store, shard: 0, octets: 1_000)
        store.state.withLockedValue { $0.room = 2_000 }
        #expect(commits.hasAmpleRoom(among: 1))
        #expect(!commits.hasAmpleRoom(among: 3))
        commits.suspended(.space)
        #expect(!commits.hasAmpleRoom(among: 1))
    }

    @Test("A log is cleaned where what is alive has room, and not while nothing can be written") func cleaning() {
        let commits = ShardCommits(store, shard: 0, octets: 100 * ShardCommits.slack)
        #expect(commits.wantsCleaning)
        store.state.withLockedValue { $0.room = 1_000 }
        #expect(!commits.measure(aliveOctets: 501, among: 1))
        #expect(!commits.wantsCleaning)
        #expect(!commits.measure(aliveOctets: 251, among: 4))
        #expect(commits.measure(aliveOctets: 250, among: 4))
        #expect(commits.wantsCleaning)
        commits.suspended(.disk)
        #expect(!commits.wantsCleaning && !commits.measure(aliveOctets: 0, among: 1))
        commits.suspended(.space)
        #expect(!commits.wantsCleaning)
        #expect(commits.measure(aliveOctets: 500, among: 1) && commits.wantsCleaning)
        commits.suspended(nil)
        #expect(commits.wantsCleaning)
    }
}
