package import Logging
package import MQTTBroker

/// What of the configuration can change while the broker runs.
package struct LiveSettings: Sendable {
    /// Of each shard.
    package var limits: Limits
    package var logLevel: Logger.Level

    package init(limits: Limits, logLevel: Logger.Level) {
        self.limits = limits
        self.logLevel = logLevel
    }
}
