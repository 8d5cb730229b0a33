import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// Lets a router answer the operations of the REST interface.
struct APIRouter {
    let operations: [APIOperation]
    /// Octets of a request's body.
    let maximumBody: Int
    /// Lets a request in, or says with what it is refused.
    let admit: @Sendable (Request, AdminContext, APIOperation) async -> Result<APIRequest.Asker, APIFailure>
    /// Is told of what was asked for and what came of it, but for requests that only read.
    var record: (@Sendable (APIRequest.Asker, APIOperation, Int) async -> Void)?

    static let base = "/api/v5"

    func add(to router: Router<AdminContext>) {
        for operation in operations {
            router.on(RouterPath(Self.base + operation.pattern), method: operation.method) { request, context in
                try await answer(request, context, operation)
            }
        }
        for (path, known) in Dictionary(grouping: operations, by: \.pattern) {
            refuseOthers(known, at: path, of: router)
        }
    }

    private static let methods: [HTTPRequest.Method] =
        [.get, .head, .post, .put, .delete, .patch, .options, .trace] + [HTTPRequest.Method("QUERY")].compactMap { $0 }

    /// Methods that a path does not have are answered with 405 and those that it has (RFC 9110 §15.5.6).
    private func refuseOthers(_ known: [APIOperation], at path: String, of router: Router<AdminContext>) {
        let allowed = known.map(\.method.rawValue).sorted().joined(separator: ", ")
        var failure = APIFailure.methodNotAllowed
        failure.headers[.allow] = allowed
        for method in Self.methods where !known.contains(where: { $0.method == method }) {
            router.on(RouterPath(Self.base + path), method: method) { [failure] _, _ in Response(failure) }
        }
    }

    private func answer(
        _ request: Request,
        _ context: AdminContext,
        _ operation: APIOperation
    ) async throws -> Response {
        let asker: APIRequest.Asker
        switch await admit(request, context, operation) {
        case .success(let admitted): asker = admitted
        case .failure(let failure): return Response(failure)
        }
        let response: Response
        do {
            let wanted = try await read(request, context.parameters, operation, asker)
            response = Response(try await operation.carryOut(wanted))
        } catch let failure as APIFailure {
            response = Response(failure)
        } catch let refusal as AccountRefusal {
            response = Response(APIFailure(refusal))
        }
        // Who signs in is recorded by `Accounts`.
        if operation.method != .get, !operation.isOpen { await record?(asker, operation, Int(response.status.code)) }
        return response
    }

    private func read(
        _ request: Request,
        _ parameters: Parameters,
        _ operation: APIOperation,
        _ asker: APIRequest.Asker
    ) async throws -> APIRequest {
        var read = APIRequest(asker: asker)
        let query = QueryItems(request.uri.query ?? "")
        for parameter in operation.parameters {
            switch parameter.place {
            case .path:
                guard let text = parameters.get(parameter.name)?.removingPercentEncoding else {
                    throw APIFailure.badRequest("\(parameter.name) is not percent-encoded UTF-8")
                }
                read.path[parameter.name] = text
            case .query:
                let texts = query[parameter.name]
                if texts.isEmpty { continue }
                let kept = parameter.isRepeated ? texts : [texts[texts.count - 1]]
                read.query[parameter.name] = try kept.map { try parameter.value(of: $0) }
            }
        }
        guard let schema = operation.body else { return read }
        guard request.headers[.contentType]?.lowercased().hasPrefix("application/json") == true else {
            throw APIFailure(.unsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "content-type has to be application/json")
        }
        let octets = try await request.body.collect(upTo: maximumBody)
        guard let body = JSONValue.read(octets) else { throw APIFailure.badRequest("the body is no JSON") }
        if let objection = schema.objection(to: body) { throw APIFailure.badRequest(objection) }
        read.body = body
        return read
    }
}

extension APIOperation {
    /// The path as Hummingbird writes parameters.
    fileprivate var pattern: String {
        path.split(separator: "/").map { level in
            level.hasPrefix("{") ? "/:" + level.dropFirst().dropLast() : "/" + level
        }.joined()
    }
}

extension Response {
    init(_ answer: APIAnswer) {
        switch answer {
        case .json(let octets): self = .json(octets)
        case .other(let status, let octets): self = .json(octets, status)
        case .nothing: self.init(status: .noContent)
        case .text(let octets):
            self.init(
                status: .ok,
                headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: octets)
            )
        }
    }

    init(_ failure: APIFailure) {
        var json = JSONWriter()
        json.object { json in
            json.member("code", failure.code)
            json.member("message", failure.message)
        }
        self = .json(json.octets, failure.status)
        for field in failure.headers { headers.append(field) }
    }
}
