/// What the control socket asks, and lets change, of the configuration of a running broker.
package protocol ConfigurationSource: Sendable {
    /// The keys that can be changed, and what is in force at this node.
    func runtimeKeys() async -> RuntimeKeys

    /// Changes a key at all nodes of the cluster. When it returns, this node has applied the change, and it outlives the node.
    ///
    /// - Returns: the key as it is in force now.
    func change(_ change: RuntimeKeyChange) async -> Result<RuntimeKey, RuntimeKeyRefusal>
}
