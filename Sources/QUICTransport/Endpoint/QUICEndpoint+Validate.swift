/// Proof that a client receives at its address, before anything is kept for it (RFC 9000 §8.1).
extension QUICEndpoint {
    enum Admission {
        /// With the token that validates the address, if there is one.
        case admitted(ValidatedToken?)
        case needsRetry
        /// The client has answered a Retry, and wrongly.
        case refused
    }

    func admit(
        _ token: UnsafeRawBufferPointer,
        of header: PacketHeader,
        from remote: DatagramAddress,
        limits: QUICServerConfiguration
    ) -> Admission {
        guard let tokens = self.tokens, unsafe !token.isEmpty else { return self.admitStranger(limits) }
        switch unsafe tokens.judge(token, of: header, from: remote) {
        case .retried(let original):
            self.counters.tokensValid += 1
            return unsafe .admitted(ValidatedToken(octets: token, original: original))
        case .known:
            self.counters.tokensValid += 1
            return unsafe .admitted(ValidatedToken(octets: token, original: nil))
        case .refused:
            self.counters.tokensInvalid += 1
            return .refused
        case .none:
            // As if it had none: it may be another server's, or too old.
            self.counters.tokensInvalid += 1
            return self.admitStranger(limits)
        }
    }

    private func admitStranger(_ limits: QUICServerConfiguration) -> Admission {
        switch limits.retry.mode {
        case .never: .admitted(nil)
        case .always: .needsRetry
        case .underLoad:
            Double(self.handshakeCount) < limits.retry.load * Double(limits.maximumHandshakes)
                ? .admitted(nil) : .needsRetry
        }
    }

    /// Asks a client to come back with a token, and keeps nothing.
    func sendRetry(
        answering header: PacketHeader,
        to remote: DatagramAddress,
        from local: DatagramAddress,
        now: UInt64
    ) {
        let room = 256
        guard let tokens = self.tokens, self.retryBucket.take(now: now), self.batch.hasRoom(for: room) else {
            self.counters.dropped.retryLimit += 1
            return
        }
        let count = unsafe tokens.writeRetry(
            into: self.batch.tail(room),
            answering: header,
            from: remote,
            identifier: self.context.identifiers.make()
        )
        guard count > 0 else { return }
        self.counters.retriesSent += 1
        self.batch.append(count, from: self.socketWishes.packetInfo ? local : nil, to: remote, ecn: 0)
        self.scheduleFlush()
    }

    /// Gives a client a token for its next connection from where it is now.
    func sendToken(on connection: QUICConnection) {
        unsafe self.tokens?.withNewToken(for: connection.remote) { token in
            guard unsafe connection.engine?.submitToken(token) == true else { return }
            self.counters.newTokensSent += 1
            connection.markDirty()
        }
    }
}
