import BrokerCluster
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// Gives every error the form `{"code": …, "message": …}`.
struct RequestErrors: RouterMiddleware {
    typealias Context = AdminContext

    let logger: Logger

    @concurrent
    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            switch error.status {
            case .notFound: return Response(.notFound("Request Path Not Found"))
            case .methodNotAllowed: return Response(.methodNotAllowed)
            default: return Response(APIFailure(error.status, "BAD_REQUEST", "the request cannot be answered"))
            }
        } catch {
            logger.error("a request of an administrator fails", metadata: ["reason": "\(error)"])
            return Response(APIFailure(.internalServerError, "INTERNAL_ERROR", "the broker could not answer"))
        }
    }
}

extension Response {
    static func json(_ value: some Encodable, _ status: HTTPResponse.Status = .ok) throws -> Response {
        json(ByteBuffer(bytes: try StatusJSON.write(value)), status)
    }

    static func json(_ octets: ByteBuffer, _ status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: octets)
        )
    }
}
