import DequeModule
import MQTTCodec
import NIOCore

/// Sessions of data streams. A data stream's session has windows of its own, and acknowledgements travel on that stream. Such a session has
/// no CONNECT and no keep alive, and ends with its connection at the latest. At its end the control stream's session takes over
/// the messages without their final acknowledgement.
extension ClientSession {
    /// Makes the session of a data stream of this client.
    func makeStream() -> ClientSession {
        var stream = ClientSession(configuration: configuration, identifiers: inflight.identifiers)
        stream.isDataStream = true
        stream.phase = .connected
        stream.take(limits)
        return stream
    }

    /// Sets the limits that CONNACK brought after the stream was opened.
    mutating func take(_ limits: ServerLimits, now: NIODeadline? = nil) {
        let inUse = inflight.identifiers(where: \.isMessage).count
        self.limits = limits
        quota = max(0, min(limits.receiveMaximum, configuration.maximumInflight) - inUse)
        if let now { sendWaiting(now: now) }
    }

    /// Ends sending on this stream. Received acknowledgements still count; received messages at QoS 1 and 2 are ignored, since
    /// they cannot be acknowledged, and come again on the control stream.
    mutating func finishSending() { isFinished = true }

    /// Messages without their final acknowledgement, in order.
    struct Unacknowledged {
        fileprivate(set) var inflight: [(identifier: UInt16, entry: InflightTable.Entry)] = []
        fileprivate(set) var waiting: Deque<(message: Publish, token: UInt64)> = []

        var count: Int { inflight.count + waiting.count }
    }

    /// Takes the unacknowledged messages out of the session of a stream that has ended.
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

    /// Takes over the messages of a stream that has ended, under their packet identifiers, and sends them again with DUP.
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
