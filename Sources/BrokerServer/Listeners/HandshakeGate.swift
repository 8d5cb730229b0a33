import NIOCore
import QUICTransport

/// Lets TCP clients of one event loop begin their TLS handshake and CONNECT, no more in a tick than there is time for.
/// The others wait in the order in which they came.
///
/// Confined to its event loop.
final class HandshakeGate {
    private let eventLoop: any EventLoop
    var pace: HandshakePace
    private var waiting = CircularBuffer<FirstOctetsHandler>()
    private var isTickEnding = false
    private var turn: (instant: NIODeadline, task: Scheduled<Void>)?

    /// Pause between two turns: SwiftNIO looks at its sockets only while no task is due.
    private static let pause = TimeAmount.microseconds(20)

    init(eventLoop: any EventLoop, limits: HandshakePace.Limits = HandshakePace.Limits()) {
        self.eventLoop = eventLoop
        pace = HandshakePace(limits)
    }

    // MARK: Beginnings

    /// Lets a client begin at once, or has it wait.
    func arrive(_ client: FirstOctetsHandler) {
        if waiting.isEmpty, pace.mayBegin(now: Self.now) {
            begin(client)
        } else {
            waiting.append(client)
            client.admission.startedWaiting()
            endTickLater()
        }
    }

    /// A client that waited is gone.
    func leave(_ client: FirstOctetsHandler) {
        guard let index = waiting.firstIndex(where: { $0 === client }) else { return }
        waiting.remove(at: index)
        client.admission.stoppedWaiting(isServed: false)
    }

    private func begin(_ client: FirstOctetsHandler) {
        let begun = Self.now
        client.begin(pace.begin(now: begun))
        let cost = Self.now - begun
        pace.didSpend(cost)
        pace.didBegin(cost: cost)
        endTickLater()
    }

    private func takeTurn() {
        turn = nil
        while pace.mayBegin(now: Self.now), let client = waiting.popFirst() {
            client.admission.stoppedWaiting(isServed: true)
            begin(client)
        }
        endTickLater()
    }

    /// Ends the tick after all that it has caused: what the next turn's pause begins with.
    private func endTickLater() {
        guard !isTickEnding else { return }
        isTickEnding = true
        eventLoop.assumeIsolated().execute {
            self.isTickEnding = false
            self.pace.endTick()
            if !self.waiting.isEmpty { self.planTurn() }
        }
    }

    private func planTurn() {
        let now = NIODeadline.now()
        let instant =
            pace.hasRoom(now: Self.now)
            ? now + Self.pause : .uptimeNanoseconds(pace.nextRoom(now: now.uptimeNanoseconds))
        if let turn {
            guard instant < turn.instant else { return }
            turn.task.cancel()
        }
        turn = (instant, eventLoop.assumeIsolated().scheduleTask(deadline: instant) { self.takeTurn() })
    }

    // MARK: The rest

    /// Counts time that was spent on a handshake under way, nanoseconds.
    func didWork(cost: UInt64) { pace.didWork(cost: cost) }

    /// The client's CONNECT was read.
    func complete(_ start: HandshakePace.Start) {
        pace.complete(start, now: Self.now)
        if !waiting.isEmpty { endTickLater() }
    }

    /// The client is gone before its CONNECT was read.
    func end(_ start: HandshakePace.Start) {
        pace.end(start, now: Self.now)
        if !waiting.isEmpty { endTickLater() }
    }

    static var now: UInt64 { NIODeadline.now().uptimeNanoseconds }
}
