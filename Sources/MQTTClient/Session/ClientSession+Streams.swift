import DequeModule
import MQTTCodec
import NIOCore

/// A data stream has a session of its own beside the control stream's: what it sends and receives is acknowledged on it, by
/// windows of its own. It knows no CONNECT, no keep alive and no connection but the one that it was opened on; at its end the
/// control stream's session goes on with what has no final acknowledgement yet.
extension ClientSession {
    /// The session of a data stream beside this one.
    func makeStream() -> ClientSession {
        var stream = ClientSession(configuration: configuration, identifiers: inflight.identifiers)
        stream.isDataStream = true
        stream.phase = .connected
        stream.take(limits)
        return stream
    }

    /// CONNACK came after the stream was opened.
    mutating func take(_ limits: ServerLimits, now: NIODeadline? = nil) {
        let inUse = inflight.identifiers(where: \.isMessage).count
        self.limits = limits
        quota = max(0, min(limits.receiveMaximum, configuration.maximumInflight) - inUse)
        if let now { sendWaiting(now: now) }
    }

    /// Nothing more is sent on this stream. Acknowledgements are still heeded, and messages that would need one are left to
    /// be sent again elsewhere.
    mutating func finishSending() { isFinished = true }

    /// Messages without their final acknowledgement, in order.
    struct Unacknowledged {
        fileprivate(set) var inflight: [(identifier: UInt16, entry: InflightTable.Entry)] = []
        fileprivate(set) var waiting: Deque<(message: Publish, token: UInt64)> = []

        var count: Int { inflight.count + waiting.count }
    }

    /// The stream is over.
    mutating func takeUnacknowledged() -> Unacknowledged {
        var left = Unacknowledged()
        for identifier in inflight.identifiers(where: { !$0.isMessage }) { inflight.remove(identifier) }
        for identifier in inflight.identifiers(where: \.isMessage) {
            if let entry = inflight.release(identifier) { left.inflight.append((identifier, entry)) }
        }
        swap(&left.waiting, &waiting)
        phase = .disconnected
        output = ClientOutput()
        retryAt = nil
        return left
    }

    /// Goes on with the messages of a stream that is over: under the identifiers that the server knows them by, as
    /// repetitions.
    mutating func adopt(_ left: Unacknowledged, now: NIODeadline) {
        for (identifier, entry) in left.inflight {
            inflight.adopt(entry, as: identifier, now: now)
            guard phase == .connected else { continue }
            switch entry.stage {
            case .publish: redelivery.append(identifier)
            case .release: send(.acknowledgement(PublishAcknowledgement(.release, identifier)), now: now)
            case .subscribe, .unsubscribe: continue
            }
        }
        waiting.append(contentsOf: left.waiting)
        if phase == .connected { sendWaiting(now: now) }
    }
}
