import Glibc
import Logging
import NIOCore

/// Keeps a listening socket from accepting while the process has no file descriptor left.
///
/// SwiftNIO reports a failed accept by `errorCaught` and then goes on polling the socket, which stays readable: without
/// a pause its loop would do nothing else. Connections that wait in the backlog meanwhile are accepted by means of a
/// spare descriptor and closed at once.
final class DescriptorShortage: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    private let admission: Admission
    private let logger: Logger
    private var spare = SpareDescriptor()
    private var pause: Scheduled<Void>?
    private var lastWarning: NIODeadline?

    /// Time from a failed accept to the next one.
    static let pauseTime = TimeAmount.milliseconds(100)
    /// Connections that are closed in each pause; the others wait for the next one.
    static let maximumShed = Int(BrokerServerConfiguration.backlog)
    /// Time from a warning to the next one.
    private static let warningInterval = TimeAmount.minutes(1)

    init(_ admission: Admission, logger: Logger) {
        self.admission = admission
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, Self.isShortage(error.errnoCode) else {
            context.fireErrorCaught(error)
            return
        }
        guard pause == nil else { return }
        setAccepting(false, context)
        pause = context.eventLoop.assumeIsolated().scheduleTask(in: Self.pauseTime) {
            self.pause = nil
            self.setAccepting(true, context)
        }
        let shed = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { socket in
            spare.shed(socket, atMost: Self.maximumShed)
        }
        admission.failedToAccept(shed: shed ?? 0)
        warn(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        pause?.cancel()
        pause = nil
        context.fireChannelInactive()
    }

    private func setAccepting(_ isAccepting: Bool, _ context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.autoRead, value: isAccepting)
    }

    private func warn(_ error: IOError) {
        let now = NIODeadline.now()
        if let lastWarning, now < lastWarning + Self.warningInterval { return }
        lastWarning = now
        logger.warning(
            "no file descriptor is left: new connections are closed at once; raise RLIMIT_NOFILE or lower max_connections",
            metadata: [
                "listener": "\(admission.listener)",
                "reason": "\(String(cString: strerror(error.errnoCode)))",
                "connections": "\(admission.open)",
                "closed_at_once": "\(admission.shed)",
            ]
        )
    }

    /// Whether accept failed for want of what the end of another connection gives back (accept(2)).
    private static func isShortage(_ code: CInt) -> Bool {
        switch code {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: true
        default: false
        }
    }
}
