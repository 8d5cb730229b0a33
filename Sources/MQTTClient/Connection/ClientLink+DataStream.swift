import NIOCore

/// The end of a data stream.
extension ClientLink {
    /// Ends the sending side behind what was written (FIN), and the stream's subscriptions with it.
    /// ``ClientEvent/closed(_:)`` without an error follows when the server has answered everything.
    package func finish() {
        guard let stream = dataStream, !session.isFinished else { return }
        flushAll()
        session.finishSending()
        stream.finish()
    }

    /// Abandons both directions (RESET_STREAM, STOP_SENDING); ``ClientEvent/closed(_:)`` without an error follows at once.
    package func reset(code: UInt64) { abandon(code, nil) }

    /// Abandons the stream with a code. The messages that it leaves wait: were they repeated on the control stream before the
    /// server hears of this end, the server would take them for new ones.
    func abandon(_ code: UInt64, _ error: ClientError?) {
        guard let stream = dataStream, let connection else { return }
        close()
        abandoned = (stream, connection, session.takeUnacknowledged())
        stream.abandon(code: code)
        delegate?.link(self, received: .closed(error))
    }

    // MARK: Reports of the transport

    /// The server has ended its side, or both sides with a code.
    func ended(code: UInt64) {
        end(session.isFinished && code == 0 ? nil : .streamEnded(code: code))
    }

    /// Both sides have ended the stream, and each knows of the other (QUIC has forgotten the stream).
    func streamClosed() {
        ended(code: 0)
        leaveAbandoned()
    }

    /// The connection is over, and the stream with it.
    func connectionEnded(_ error: ClientError?) {
        end(error)
        leaveAbandoned()
    }

    private func end(_ error: ClientError?) {
        guard let stream = dataStream, let connection else { return }
        close()
        stream.detach()
        connection.streamEnded(self, session.takeUnacknowledged(), now: .now())
        delegate?.link(self, received: .closed(error))
    }

    private func leaveAbandoned() {
        guard let (stream, connection, messages) = abandoned else { return }
        abandoned = nil
        stream.detach()
        connection.streamEnded(self, messages, now: .now())
    }
}
