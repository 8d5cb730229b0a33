import BrokerCluster
import MQTTBroker
import NIOCore

/// Brings what is set at run time into force. What is in force follows from all records, and not from the order in which they came.
actor LiveSettingsApplier {
    private let store: any MetaStore
    private let settings: @Sendable ([MetaRecord]) async -> LiveSettings
    private let logLevel: LogLevel?
    private var shards: ShardGroup?
    private var begun = 0
    private var applied = 0

    init?(_ configuration: BrokerServerConfiguration, _ store: any MetaStore) {
        guard let settings = configuration.liveSettings else { return nil }
        self.store = store
        self.settings = settings
        logLevel = configuration.logLevel
    }

    /// The limits of now.
    func limits() async -> Limits { await settings(store.records(of: .configuration)).limits }

    /// From here on the shards are told.
    func begin(_ shards: ShardGroup) async {
        self.shards = shards
        await apply()
    }

    /// Reads all records, and brings them into force on all event loops. One that began earlier and ends later changes nothing.
    func apply() async {
        begun += 1
        let number = begun
        let settings = await settings(store.records(of: .configuration))
        guard number > applied, let shards else { return }
        applied = number
        logLevel?.value = settings.logLevel
        let limits = SharedLimits(settings.limits)
        for future in shards.onEach({ $0.use(limits) }) { try? await future.get() }
    }
}
