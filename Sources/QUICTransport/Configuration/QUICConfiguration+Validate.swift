extension QUICConfiguration {
    /// - Throws: `QUICError.configuration` with the name of the field, the allowed values and the value.
    package func validate() throws(QUICError) {
        try require("octets of alpn", 1...255, self.alpn.utf8.count)
        try require("streamReceiveWindow", 1...1 << 30, self.streamReceiveWindow)
        try require("maximumStreamReceiveWindow", 1...1 << 30, self.maximumStreamReceiveWindow)
        try require("connectionReceiveWindow", 1...1 << 40, self.connectionReceiveWindow)
        try require("bidirectionalStreams", 0...65_535, self.bidirectionalStreams)
        try require("unidirectionalStreams", 0...65_535, self.unidirectionalStreams)
        try require("maximumUDPPayload", 1_200...65_527, self.maximumUDPPayload)
        try require(
            "maximumAcknowledgementDelay",
            "0 or more and less than 16.384 s",
            self.maximumAcknowledgementDelay,
            self.maximumAcknowledgementDelay >= .zero && self.maximumAcknowledgementDelay < .milliseconds(1 << 14)
        )
        try requirePositive("initialRoundTripTime", self.initialRoundTripTime)
        try requirePositive("handshakeTimeout", self.handshakeTimeout)
        try require("maximumHandshakeBytes", 4_096...1 << 24, self.maximumHandshakeBytes)
        try require("maximumGaps", 100...1_000_000, self.maximumGaps)
        if let delay = self.foldDelay { try requirePositive("foldDelay", delay) }
        try require("sendHighWaterMark", "1 or more", self.sendHighWaterMark, self.sendHighWaterMark > 0)
        try require(
            "maximumSendHighWaterMark",
            "at least sendHighWaterMark (\(self.sendHighWaterMark))",
            self.maximumSendHighWaterMark,
            self.maximumSendHighWaterMark >= self.sendHighWaterMark
        )
    }
}

extension QUICServerConfiguration {
    func validate() throws(QUICError) {
        try self.common.validate()
        try self.socket.validate()
        try require("octets of staticSecret", 32...32, self.staticSecret.count)
        let rotations = RoutableConnectionIDGenerator.rotations
        try require("identifiers.rotation", rotations, self.identifiers.rotation)
        for (rotation, secret) in self.identifiers.otherSecrets.sorted(by: { $0.key < $1.key }) {
            try require(
                "each key of identifiers.otherSecrets",
                "\(rotations.lowerBound) to \(rotations.upperBound), and not that of identifiers.rotation",
                rotation,
                rotations.contains(rotation) && rotation != self.identifiers.rotation
            )
            try require("octets of each of identifiers.otherSecrets", 32...32, secret.count)
        }
        try require("retry.load", "0 to 1", self.retry.load, (0...1).contains(self.retry.load))
        try requirePositive("retry.tokenLifetime", self.retry.tokenLifetime)
        try requireSome("ciphers", self.ciphers)
        try self.resumption?.validate()
    }
}

extension QUICSocketConfiguration {
    func validate() throws(QUICError) {
        try require("messagesPerCall", 1...64, self.messagesPerCall)
    }
}

extension QUICServerResumption {
    func validate() throws(QUICError) {
        let lifetime = self.keys.lifetime
        try require(
            "resumption.keys.lifetime",
            "1 s to 1 day",
            lifetime,
            lifetime >= .seconds(1) && lifetime <= .seconds(86_400)
        )
        guard let earlyData = self.earlyData else { return }
        try require(
            "resumption.earlyData.window",
            "at least \(self.window), twice resumption.keys.lifetime",
            earlyData.window,
            earlyData.window >= self.window
        )
    }
}

extension QUICClientConfiguration {
    func validate() throws(QUICError) {
        try self.common.validate()
        try requireSome("ciphers", self.ciphers)
        if case .full(let name, _) = self.verification, name.isEmpty {
            throw .configuration("verification.full must have the name of the server, not an empty one")
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

private func require<Value>(
    _ name: String,
    _ allowed: String,
    _ value: Value,
    _ isAllowed: Bool
) throws(QUICError) {
    guard isAllowed else { throw .configuration("\(name) must be \(allowed), not \(value)") }
}

private func require<Value>(_ name: String, _ allowed: ClosedRange<Value>, _ value: Value) throws(QUICError) {
    let text =
        allowed.lowerBound == allowed.upperBound
        ? "\(allowed.lowerBound)" : "\(allowed.lowerBound) to \(allowed.upperBound)"
    try require(name, text, value, allowed.contains(value))
}

private func requirePositive(_ name: String, _ value: Duration) throws(QUICError) {
    try require(name, "longer than 0 s", value, value > .zero)
}

private func requireSome<Value>(_ name: String, _ values: [Value]) throws(QUICError) {
    guard !values.isEmpty else { throw .configuration("\(name) must have one element at least, but is empty") }
}
