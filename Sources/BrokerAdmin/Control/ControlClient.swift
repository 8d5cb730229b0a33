import BrokerCluster
import Foundation
package import NIOCore
import NIOHTTP1
import NIOPosix

/// Asks a running broker by its control socket, one question for each connection.
package struct ControlClient: Sendable {
    private let path: String
    private let limits: ControlLimits

    /// - Parameter path: of the socket.
    package init(path: String, limits: ControlLimits = ControlLimits()) {
        self.path = path
        self.limits = limits
    }

    /// - Parameter question: a path such as `ControlPath.clusterStatus`.
    /// - Returns: the body of the answer.
    /// - Throws: `ControlFailure`.
    package func get(_ question: String) async throws -> ByteBuffer { try await ask(.GET, question, nil) }

    /// Asks for a change.
    ///
    /// - Parameters:
    ///   - question: a path such as `ControlPath.runtimeKeys`.
    ///   - body: JSON.
    /// - Returns: the body of the answer.
    /// - Throws: `ControlFailure`.
    package func put(_ question: String, _ body: ByteBuffer) async throws -> ByteBuffer {
        try await ask(.PUT, question, body)
    }

    /// Asks for the end of something.
    ///
    /// - Parameter question: a path.
    /// - Throws: `ControlFailure`.
    package func delete(_ question: String) async throws { _ = try await ask(.DELETE, question, nil) }

    private func ask(_ method: HTTPMethod, _ question: String, _ body: ByteBuffer?) async throws -> ByteBuffer {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: ByteBuffer.self)
        let limits = limits
        do {
            let channel = try await ClientBootstrap(group: loop)
                .connectTimeout(limits.answerPatience)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHTTPClientHandlers()
                        try pipeline.addHandler(ControlAnswer(promise, limits))
                    }
                }
                .connect(unixDomainSocketPath: path).get()
            var headers: HTTPHeaders = ["Host": "localhost", "Connection": "close"]
            if let body {
                headers.add(name: "Content-Type", value: "application/json")
                headers.add(name: "Content-Length", value: "\(body.readableBytes)")
            }
            let head = HTTPRequestHead(version: .http1_1, method: method, uri: question, headers: headers)
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            if let body { channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil) }
            channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        } catch {
            // Harmless if the handler has done so.
            promise.fail(failure(connecting: error))
        }
        return try await promise.futureResult.get()
    }

    private func failure(connecting error: any Error) -> ControlFailure {
        switch (error as? IOError)?.errnoCode {
        case ENOENT, ECONNREFUSED, ENOTDIR: return .notRunning(path: path)
        case EACCES, EPERM: return .notPermitted(path: path)
        default: return .unusable(path: path, reason: "\(error)")
        }
    }
}

/// The answer to the one question of a connection.
private final class ControlAnswer: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let promise: EventLoopPromise<ByteBuffer>
    private let limits: ControlLimits
    private var status: HTTPResponseStatus = .ok
    private var body = ByteBuffer()
    private var deadline: Scheduled<Void>?
    private var isDone = false

    init(_ promise: EventLoopPromise<ByteBuffer>, _ limits: ControlLimits) {
        self.promise = promise
        self.limits = limits
    }

    func channelActive(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limits.answerPatience) {
            self.end(
                .failure(
                    ControlFailure.noAnswer(
                        reason: "nothing came in time, as from one that is paused or has no processor time"
                    )
                ),
                context
            )
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = head.status
        case .body(var part):
            guard part.readableBytes <= limits.maximumAnswer - body.readableBytes else {
                return end(.failure(ControlFailure.noAnswer(reason: "its answer is too long")), context)
            }
            body.writeBuffer(&part)
        case .end:
            end(status == .ok || status == .noContent ? .success(body) : .failure(refusal), context)
        }
    }

    private var refusal: ControlFailure {
        (try? StatusJSON.read(RuntimeKeyRefusal.self, from: body)).map { .declined($0) }
            ?? .refused(status: Int(status.code))
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.failure(ControlFailure.noAnswer(reason: "it closed the connection")), context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.failure(ControlFailure.noAnswer(reason: "\(error)")), context)
    }

    private func end(_ result: Result<ByteBuffer, any Error>, _ context: ChannelHandlerContext) {
        guard !isDone else { return }
        isDone = true
        deadline?.cancel()
        promise.completeWith(result)
        context.close(promise: nil)
    }
}
