/// Paths of what the control socket answers.
package enum ControlPath {
    /// `ClusterStatus` as JSON.
    package static let clusterStatus = "/api/v5/cluster/status"

    /// GET: `RuntimeKeys` as JSON. PUT of a `RuntimeKeyChange`: the `RuntimeKey` that came of it, or a `RuntimeKeyRefusal`.
    package static let runtimeKeys = "/api/v5/configuration/runtime"

    /// The socket in a data folder.
    package static func socket(in dataFolder: String) -> String { dataFolder + "/control.sock" }
}
