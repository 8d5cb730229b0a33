extension QUICConfiguration {
    /// - Throws: `QUICError.configuration` with the name of the field and the allowed values.
    package func validate() throws(QUICError) {
        func hold(_ condition: Bool, _ rule: String) throws(QUICError) {
            guard condition else { throw .configuration(rule) }
        }
        try hold((1...255).contains(self.alpn.utf8.count), "alpn must have 1 to 255 octets")
        try hold((1...1 << 30).contains(self.streamReceiveWindow), "streamReceiveWindow must be 1 to 2^30")
        try hold(
            (1...1 << 30).contains(self.maximumStreamReceiveWindow),
            "maximumStreamReceiveWindow must be 1 to 2^30"
        )
        try hold((1...1 << 40).contains(self.connectionReceiveWindow), "connectionReceiveWindow must be 1 to 2^40")
        try hold((0...65_535).contains(self.bidirectionalStreams), "bidirectionalStreams must be 0 to 65535")
        try hold((0...65_535).contains(self.unidirectionalStreams), "unidirectionalStreams must be 0 to 65535")
        try hold((1_200...65_527).contains(self.maximumUDPPayload), "maximumUDPPayload must be 1200 to 65527")
        try hold(
            self.maximumAcknowledgementDelay >= .zero && self.maximumAcknowledgementDelay < .milliseconds(1 << 14),
            "maximumAcknowledgementDelay must be 0 to 16383 ms"
        )
        try hold(self.initialRoundTripTime > .zero, "initialRoundTripTime must be positive")
        try hold(self.handshakeTimeout > .zero, "handshakeTimeout must be positive")
        try hold((4_096...1 << 24).contains(self.maximumHandshakeBytes), "maximumHandshakeBytes must be 2^12 to 2^24")
        try hold((100...1_000_000).contains(self.maximumGaps), "maximumGaps must be 100 to 1000000")
        try hold(self.foldDelay.map { $0 > .zero } ?? true, "foldDelay must be positive")
        try hold(self.sendHighWaterMark > 0, "sendHighWaterMark must be positive")
        try hold(
            self.maximumSendHighWaterMark >= self.sendHighWaterMark,
            "maximumSendHighWaterMark must be at least sendHighWaterMark"
        )
    }
}

extension QUICServerConfiguration {
    func validate() throws(QUICError) {
        try self.common.validate()
        try self.socket.validate()
        for secret in [self.staticSecret] + self.identifiers.otherSecrets.values where secret.count != 32 {
            throw .configuration(
                "staticSecret and each of identifiers.otherSecrets must have 32 octets, not \(secret.count)"
            )
        }
        let rotations = RoutableConnectionIDGenerator.rotations
        guard rotations.contains(self.identifiers.rotation),
            self.identifiers.otherSecrets.keys.allSatisfy({ rotations.contains($0) && $0 != self.identifiers.rotation })
        else {
            throw .configuration(
                "identifiers.rotation and the keys of otherSecrets must be 0 to 6, another for each secret"
            )
        }
        guard (0...1).contains(self.retry.load) else { throw .configuration("retry.load must be 0 to 1") }
        guard self.retry.tokenLifetime > .zero else { throw .configuration("retry.tokenLifetime must be positive") }
        guard !self.ciphers.isEmpty else { throw .configuration("ciphers must not be empty") }
        try self.resumption?.validate()
    }
}

extension QUICSocketConfiguration {
    func validate() throws(QUICError) {
        guard (1...64).contains(self.messagesPerCall) else {
            throw .configuration("messagesPerCall must be 1 to 64")
        }
    }
}

extension QUICServerResumption {
    func validate() throws(QUICError) {
        guard self.keys.lifetime >= .seconds(1), self.keys.lifetime <= .seconds(86_400) else {
            throw .configuration("resumption.keys.lifetime must be 1 s to 1 day")
        }
        guard self.earlyData.map({ $0.window >= self.window }) ?? true else {
            throw .configuration("resumption.earlyData.window must be at least twice the lifetime of tickets")
        }
    }
}

extension QUICClientConfiguration {
    func validate() throws(QUICError) {
        try self.common.validate()
        guard !self.ciphers.isEmpty else { throw .configuration("ciphers must not be empty") }
        if case .full(let name, _) = self.verification, name.isEmpty {
            throw .configuration("verification: the server's name must not be empty where it is verified")
        }
    }
}

extension QUICServerConfiguration {
    /// Checks all that can be checked without a socket.
    ///
    /// - Throws: `QUICError.configuration`, `.certificate` or `.trustRoots`.
    package func validateWithCertificate() throws(QUICError) {
        try self.validate()
        _ = try TLSServerContext(self)
    }
}
