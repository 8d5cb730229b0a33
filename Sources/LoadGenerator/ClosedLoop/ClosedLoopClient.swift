import MQTTClient
import MQTTCodec
import NIOCore

/// A connection of a closed loop: a publisher, a subscriber, or one that does nothing.
final class ClosedLoopClient: ClientLinkDelegate {
    /// What the client does once it is connected.
    enum Role {
        case idle
        case publisher
        case subscriber(of: Flow)
    }

    let connection: ClientConnection
    private let role: Role
    private let topic: String
    private let worker: ClosedLoopWorker
    /// Messages that a subscriber has received.
    private var received = 0

    init(_ role: Role, topic: String, index: Int, worker: ClosedLoopWorker) {
        let plan = worker.plan
        let identity = ClientIdentity(index: index, options: plan.options)
        self.role = role
        self.topic = topic
        self.worker = worker
        connection = ClientConnection(
            configuration: plan.configuration(identity),
            target: plan.target(index),
            loop: worker.loop
        )
        connection.control.delegate = self
    }

    func link(_ link: ClientLink, received event: ClientEvent) {
        switch event {
        case .message(let message):
            guard case .subscriber(let flow) = role else { return }
            flow.received(message, number: received)
            received += 1
        case .connected: connected()
        case .subscribed(_, let answer):
            if let failure = answer.reasonCodes.first(where: \.isError) {
                worker.failed("a subscription was refused: \(failure.text)")
            } else {
                worker.clientReady()
            }
        case .published(_, let code):
            if code.isError { worker.failed("a message was refused: \(code.text)") }
        case .closed(let error):
            worker.failed(error?.description ?? "closed", error: error)
        case .abandoned, .unsubscribed: break
        }
    }

    func linkBecameWritable(_ link: ClientLink) {}

    private func connected() {
        guard case .subscriber = role else { return worker.clientReady() }
        let subscription = Subscribe.Subscription(
            topicFilter: topic,
            options: SubscriptionOptions(maximumQoS: worker.plan.options.qos)
        )
        try? connection.control.subscribe(Subscribe(packetIdentifier: 0, subscriptions: [subscription]))
    }
}
