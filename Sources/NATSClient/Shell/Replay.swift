import NIOCore

/// A replay of a stream that goes on until it is stopped.
package final class Replay {
    package enum Event: Sendable {
        case message(StoredMessage)
        /// Everything that was stored when the replay began has come. It comes once.
        case current
        /// JetStream refuses the consumer for good, since there is no such stream. Nothing else comes.
        case refused(JetStreamError)
    }

    private var consumer: OrderedConsumer
    private let client: NATSClient
    private let onEvent: (Event) -> Void
    private var subscription: SubscriptionIdentifier?
    private var timer: Scheduled<Void>?
    private var isStopped = false
    /// Counts consumers, so that what concerns an earlier one is dropped.
    private var generation = 0
    private let token = NATSClient.token()

    /// The pause before another consumer is asked for.
    private static let pause: TimeAmount = .milliseconds(100)

    init(_ consumer: OrderedConsumer, _ client: NATSClient, _ onEvent: @escaping (Event) -> Void) {
        self.consumer = consumer
        self.client = client
        self.onEvent = onEvent
    }

    package func stop() {
        isStopped = true
        leave()
    }

    private func leave() {
        generation += 1
        timer?.cancel()
        if let subscription { client.unsubscribe(subscription) }
        subscription = nil
    }

    func begin() {
        guard !isStopped else { return }
        leave()
        let begun = generation
        let subject = Subject(trusted: "_INBOX.\(token).\(begun)")
        subscription = client.subscribe(subject) { publication in
            guard self.generation == begun else { return }
            self.carryOut(self.consumer.receive(publication, .now()))
        }
        client.ask(consumer.begin(deliverTo: subject, .now()), timeout: .seconds(2)).assumeIsolated().whenSuccess {
            result in
            guard self.generation == begun else { return }
            switch result {
            case .success(let info): self.carryOut(self.consumer.begun(info, .now()))
            case .failure(.refused(let error)) where error.code < 500:
                self.stop()
                self.onEvent(.refused(error))
            case .failure: self.beginSoon()
            }
        }
        watch()
    }

    private func beginSoon() {
        leave()
        let loopBound = NIOLoopBound(self, eventLoop: client.eventLoop)
        timer = client.eventLoop.scheduleTask(in: Self.pause) { loopBound.value.begin() }
    }

    private func carryOut(_ events: [OrderedConsumer.Event]) {
        for event in events {
            switch event {
            case .message(let message): onEvent(.message(message))
            case .current: onEvent(.current)
            case .goOn(let subject): try? client.publish(Publication(subject: subject))
            case .restart: return beginSoon()
            }
        }
    }

    /// Looks at intervals whether the consumer was heard of.
    private func watch() {
        let begun = generation
        let loopBound = NIOLoopBound(self, eventLoop: client.eventLoop)
        timer = client.eventLoop.scheduleTask(deadline: consumer.nextDeadline) {
            let replay = loopBound.value
            guard replay.generation == begun else { return }
            replay.carryOut(replay.consumer.advance(.now()))
            if replay.generation == begun { replay.watch() }
        }
    }
}
