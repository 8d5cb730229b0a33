import Foundation

/// Paths of what the control socket answers.
package enum ControlPath {
    /// `ClusterStatus` as JSON.
    package static let clusterStatus = "/api/v5/cluster/status"

    /// GET: `RuntimeKeys` as JSON. PUT of a `RuntimeKeyChange`: the `RuntimeKey` that came of it, or a `RuntimeKeyRefusal`.
    package static let runtimeKeys = "/api/v5/configuration/runtime"

    /// Operations of the REST interface.
    package static let clients = APIRouter.base + "/clients"
    package static let subscriptions = APIRouter.base + "/subscriptions"

    /// A text as one segment of a path, or as the value of a parameter.
    package static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(
            withAllowedCharacters: CharacterSet.alphanumerics.intersection(.init(charactersIn: "\u{0}"..."\u{7f}"))
        ) ?? ""
    }

    /// The socket in a data folder.
    package static func socket(in dataFolder: String) -> String { dataFolder + "/control.sock" }
}
