import BrokerCluster
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

extension Router<AdminContext> {
    /// Lets the configuration be read and changed.
    ///
    /// - Parameter maximumBody: octets of a request's body.
    func addConfiguration(_ configuration: any ConfigurationSource, maximumBody: Int) {
        let path = RouterPath(ControlPath.runtimeKeys)
        get(path) { _, _ -> Response in try Response.json(await configuration.runtimeKeys()) }
        put(path) { request, _ -> Response in
            let body = try await request.body.collect(upTo: maximumBody)
            guard let change = try? StatusJSON.read(RuntimeKeyChange.self, from: body) else {
                let refusal = RuntimeKeyRefusal(.badRequest, "the request is no JSON object with a key")
                return try Response.json(refusal, refusal.status)
            }
            switch await configuration.change(change) {
            case .success(let key): return try Response.json(key)
            case .failure(let refusal): return try Response.json(refusal, refusal.status)
            }
        }
    }
}

extension RuntimeKeyRefusal {
    fileprivate var status: HTTPResponse.Status {
        switch code {
        case .badRequest: .badRequest
        case .conflict: .conflict
        case .unavailable: .serviceUnavailable
        }
    }
}
