import BrokerCluster
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// What `/status` says to probes, in the peer's words: 200 while new clients are served, and 503 while not.
struct StatusAnswer {
    private let status: NodeStatus

    init(_ status: NodeStatus) { self.status = status }

    private var isRunning: Bool { status.state == .alone || status.state == .member }

    /// - Parameter format: the value of the query's `format`; `json` for JSON, otherwise text.
    func response(in format: String?) -> Response {
        var response: Response
        if format == "json" {
            var json = JSONWriter()
            json.object { json in
                json.member("node_name", status.name)
                json.member("rel_vsn", "v\(status.version)")
                json.member("broker_status", "started")
                json.member("app_status", isRunning ? "running" : "not_running")
            }
            response = .json(json.octets)
        } else {
            let text = "Node \(status.name) is started\nemqx is \(isRunning ? "running" : "not_running")"
            response = Response(.text(ByteBuffer(string: text)))
        }
        response.status = isRunning ? .ok : .serviceUnavailable
        if let name = HTTPField.Name("Retry-After") { response.headers[name] = "15" }
        return response
    }
}
