import BrokerCluster
import Logging
import MQTTBroker
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import BrokerServer

@Suite struct LiveSettingsApplierTests {
    /// The number of the record is the largest packet.
    private final class Store: MetaStore {
        let value = NIOLockedValueBox(1)

        func records(of kind: MetaKind) async -> [MetaRecord] {
            let number = value.withLockedValue { $0 }
            return [MetaRecord(key: MetaKey(kind, "a"), value: ByteBuffer(), revision: UInt64(number))]
        }

        func write(_ value: ByteBuffer?, at key: MetaKey, expecting revision: UInt64?) async throws -> UInt64 {
            throw MetaFailure.notReady
        }
    }

    @Test("All event loops have the newest records, also if those before take longer")
    func newest() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let loops = Array(group.makeIterator())
        let shards = try await ShardGroup(loops: loops, log: ClientLog(Logger(label: "test"))) { index in
            Shard(index: index, count: 2, random: SystemRandomNumberGenerator())
        }
        func sizes() async throws -> Set<Int> {
            var sizes: Set<Int> = []
            for future in shards.onEach({ $0.shard.limits.maximumPacketSize }) { sizes.insert(try await future.get()) }
            return sizes
        }
        let store = Store()
        let (reading, isRead) = AsyncStream.makeStream(of: Void.self)
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let level = LogLevel(.warning)
        var configuration = BrokerServerConfiguration(loops: 2, listeners: [])
        configuration.logLevel = level
        configuration.liveSettings = { records in
            let number = Int(records[0].revision)
            if number == 2 {
                isRead.yield()
                for await _ in gate {}
            }
            var limits = Limits()
            limits.maximumPacketSize = number
            return LiveSettings(limits: limits, logLevel: number == 3 ? .debug : .warning)
        }
        let applier = try #require(LiveSettingsApplier(configuration, store))
        #expect(await applier.limits().maximumPacketSize == 1)
        await applier.apply()
        #expect(try await sizes() == [Limits().maximumPacketSize])
        await applier.begin(shards)
        #expect(try await sizes() == [1])

        store.value.withLockedValue { $0 = 2 }
        async let slow: Void = applier.apply()
        for await _ in reading { break }
        store.value.withLockedValue { $0 = 3 }
        await applier.apply()
        open.finish()
        await slow
        #expect(try await sizes() == [3])
        #expect(level.value == .debug)
        try await group.shutdownGracefully()
    }
}
