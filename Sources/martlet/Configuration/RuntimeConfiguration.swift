import BrokerAdmin
import BrokerCluster
import BrokerConfiguration
import BrokerServer
import Logging
import MQTTBroker

/// `RuntimeLayer` for the tasks of a running broker, which logs what of the records is not in force here, each once.
actor RuntimeConfiguration {
    private let layer: RuntimeLayer
    private let limits: @Sendable (ServerSettings) -> Limits
    private let logger: Logger
    private var told: Set<String> = []

    /// - Parameters:
    ///   - base: the node's own sources.
    ///   - limits: of each shard.
    init(
        _ base: sending LoadedConfiguration<ServerSettings>,
        limits: @escaping @Sendable (ServerSettings) -> Limits,
        logger: Logger
    ) {
        layer = RuntimeLayer(base)
        self.limits = limits
        self.logger = logger
    }

    /// What is in force with all records of the configuration.
    func settings(with records: [MetaRecord]) -> LiveSettings {
        let inForce = layer.inForce(records)
        for (key, place) in inForce.overridden.sorted(by: { $0.key < $1.key }) where told.insert(key).inserted {
            logger.warning(
                "a key that is set at run time has another value here, since this node states it",
                metadata: ["key": "\(LogText(key))", "place": "\(place)"]
            )
        }
        for (key, reason) in inForce.passedOver.sorted(by: { $0.key < $1.key }) where told.insert(key).inserted {
            logger.warning(
                "a key that is set at run time is passed over",
                metadata: ["key": "\(LogText(key))", "reason": "\(reason)"]
            )
        }
        let settings = inForce.loaded.configuration
        return LiveSettings(limits: limits(settings), logLevel: settings.logLevel)
    }

    /// See `RuntimeLayer.keys`.
    func keys(_ records: [MetaRecord]) -> [RuntimeKey] { layer.keys(records) }

    /// See `RuntimeLayer.text`.
    func text(for change: RuntimeKeyChange, _ records: [MetaRecord]) -> Result<String?, RuntimeKeyRefusal> {
        Result { () throws(RuntimeKeyRefusal) in try layer.text(for: change, records) }
    }
}
