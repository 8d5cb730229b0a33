/// Paths of what the control socket answers.
package enum ControlPath {
    /// `ClusterStatus` as JSON.
    package static let clusterStatus = "/api/v5/cluster/status"

    /// The socket in a data folder.
    package static func socket(in dataFolder: String) -> String { dataFolder + "/control.sock" }
}
