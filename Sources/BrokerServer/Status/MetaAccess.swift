package import BrokerCluster
import NIOConcurrencyHelpers
package import NIOCore

/// The records of the meta lane of a broker, or those of its data folder, from before it runs.
package final class MetaAccess: MetaStore {
    private let parts = NIOLockedValueBox(Parts())

    private struct Parts {
        var store: (any MetaStore)?
        var applier: LiveSettingsApplier?
    }

    init() {}

    /// The records can be used from here on; with `nil` no more.
    func use(_ store: (any MetaStore)?, _ applier: LiveSettingsApplier? = nil) {
        parts.withLockedValue { $0 = Parts(store: store, applier: applier) }
    }

    package func records(of kind: MetaKind) async -> [MetaRecord] {
        await parts.withLockedValue { $0.store }?.records(of: kind) ?? []
    }

    package func record(at key: MetaKey) async -> MetaRecord? {
        await parts.withLockedValue { $0.store }?.record(at: key)
    }

    /// As `MetaStore.write`; when it returns, this node has applied the change.
    package func write(_ value: ByteBuffer?, at key: MetaKey, expecting revision: UInt64?) async throws -> UInt64 {
        let parts = parts.withLockedValue { $0 }
        guard let store = parts.store else { throw MetaFailure.notReady }
        let written = try await store.write(value, at: key, expecting: revision)
        await parts.applier?.apply()
        return written
    }
}
