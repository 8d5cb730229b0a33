import BrokerAdmin
import BrokerCluster
import NIOCore

/// Answers and changes what the control socket is asked of the configuration.
struct RuntimeDesk: ConfigurationSource {
    private let runtime: RuntimeConfiguration
    private let store: any MetaStore

    init(_ runtime: RuntimeConfiguration, _ store: any MetaStore) {
        self.runtime = runtime
        self.store = store
    }

    func runtimeKeys() async -> RuntimeKeys {
        RuntimeKeys(keys: await runtime.keys(store.records(of: .configuration)))
    }

    func change(_ change: RuntimeKeyChange) async -> Result<RuntimeKey, RuntimeKeyRefusal> {
        let text: String?
        switch await runtime.text(for: change, store.records(of: .configuration)) {
        case .success(let checked): text = checked
        case .failure(let refusal): return .failure(refusal)
        }
        do {
            _ = try await store.write(
                text.map { ByteBuffer(string: $0) },
                at: MetaKey(.configuration, change.key),
                expecting: change.revision
            )
        } catch {
            return .failure(RuntimeKeyRefusal(error, key: change.key))
        }
        let keys = await runtimeKeys().keys
        return .success(
            keys.first { $0.key == change.key }
                ?? RuntimeKey(key: change.key, value: nil, source: .byDefault, place: "no key of this version")
        )
    }
}

extension RuntimeKeyRefusal {
    /// - Parameter error: of a `MetaStore`.
    init(_ error: any Error, key: String) {
        let code: Code =
            switch error as? MetaFailure {
            case .conflict: .conflict
            case .nameTooLong, .valueTooLong: .badRequest
            default: .unavailable
            }
        self.init(code, "\(key): \(error)")
    }
}
