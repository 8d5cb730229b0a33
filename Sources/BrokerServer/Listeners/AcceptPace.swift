import NIOCore

/// Accepts connections of a listening socket no faster than its listener admits them: those beyond wait in the kernel's
/// backlog.
final class AcceptPace: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    private let admission: Admission
    private var isWaiting = false

    init(_ admission: Admission) { self.admission = admission }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        admission.accepted()
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        guard !isWaiting else { return }
        guard let wait = admission.wait() else { return context.read() }
        isWaiting = true
        context.eventLoop.assumeIsolated().scheduleTask(in: wait) {
            self.isWaiting = false
            context.read()
        }
    }
}
