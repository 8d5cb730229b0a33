import NIOCore

/// Accepts connections on a listening socket no faster than its listener admits them, and than their handshakes can begin.
/// Further connections wait in the kernel's backlog; if the backlog is full, the kernel drops their SYN.
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

    /// Time until the number of waiting clients is checked again.
    private static let pause = TimeAmount.milliseconds(5)

    func read(context: ChannelHandlerContext) {
        guard !isWaiting else { return }
        guard let wait = admission.isCrowded() ? Self.pause : admission.wait() else { return context.read() }
        isWaiting = true
        context.eventLoop.assumeIsolated().scheduleTask(in: wait) {
            self.isWaiting = false
            self.read(context: context)
        }
    }
}
