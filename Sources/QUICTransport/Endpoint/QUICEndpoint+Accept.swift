internal import NIOCore

/// Packets that belong to no connection of ours.
extension QUICEndpoint {
    func receiveStray(
        _ datagram: UnsafeRawBufferPointer,
        _ header: PacketHeader,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64,
        isTossed: Bool
    ) {
        let origin = self.origin(of: header)
        if case .worker(let worker) = origin, !isTossed {
            unsafe self.toss(datagram, to: worker, from: remote, to: local, ecn: ecn)
            return
        }
        switch header.form {
        case .short:
            unsafe self.answerUnknown(datagram, header, origin, from: remote, to: local, now: now)
        case .long(PacketHeader.version1):
            guard let token = unsafe PacketHeader.acceptableToken(datagram) else {
                self.counters.dropped.unexpectedLongHeader += 1
                return
            }
            unsafe self.acceptClient(datagram, header, token, from: remote, to: local, ecn: ecn, now: now)
        case .long(let version):
            // Only what could be an Initial of its version is answered (RFC 9000 §5.2.2, §6.1).
            guard version != 0, datagram.count >= 1_200 else {
                self.counters.dropped.malformed += 1
                return
            }
            unsafe self.answerStateless(to: remote, from: local, now: now) { destination in
                let count = unsafe StatelessPackets.writeVersionNegotiation(into: destination, answering: header)
                if count > 0 { self.counters.versionNegotiationsSent += 1 }
                return count
            }
        }
    }

    /// Who made the identifier of a packet that no connection here knows.
    private func origin(of header: PacketHeader) -> QUICConnectionIDOrigin {
        switch header.form {
        case .short, .long(PacketHeader.version1): self.context.identifiers.origin(of: header.destination)
        // Of other versions we know no more than that we do not speak them.
        case .long: .unknown
        }
    }

    /// A reset is sent only where the connection surely is no more: for others it would be a way to end them.
    private func answerUnknown(
        _ datagram: UnsafeRawBufferPointer,
        _ header: PacketHeader,
        _ origin: QUICConnectionIDOrigin,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        now: UInt64
    ) {
        guard case .server(let configuration, _, _) = self.role, configuration.sendsStatelessResets,
            case .superseded(let rotation) = origin, let keys = self.context.keys[rotation],
            datagram.count >= StatelessPackets.leastTriggerCount
        else {
            self.counters.dropped.unknownConnection += 1
            return
        }
        unsafe self.answerStateless(to: remote, from: local, now: now) { destination in
            let count = unsafe StatelessPackets.writeReset(
                into: destination,
                triggerCount: datagram.count,
                key: keys.resets,
                identifier: header.destination
            )
            if count > 0 { self.counters.resetsSent += 1 }
            return count
        }
    }

    /// Puts a packet into the batch, at the rate that packets without state are allowed.
    private func answerStateless(
        to remote: DatagramAddress,
        from local: DatagramAddress,
        now: UInt64,
        write: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        let room = 256
        guard self.statelessBucket.take(now: now), self.batch.hasRoom(for: room) else {
            self.counters.dropped.statelessLimit += 1
            return
        }
        let count = unsafe write(self.batch.tail(room))
        guard count > 0 else { return }
        self.batch.append(count, from: self.socketWishes.packetInfo ? local : nil, to: remote, ecn: 0)
        self.scheduleFlush()
    }

    private func acceptClient(
        _ datagram: UnsafeRawBufferPointer,
        _ header: PacketHeader,
        _ token: UnsafeRawBufferPointer,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64
    ) {
        guard case .server(let configuration, let protection, _) = self.role, !self.isClosing else { return }
        let admission = unsafe self.admit(token, of: header, from: remote, limits: configuration)
        let validated: ValidatedToken?
        switch admission {
        case .admitted(let token):
            validated = token
        case .needsRetry:
            self.sendRetry(answering: header, to: remote, from: local, now: now)
            return
        case .refused:
            unsafe self.answerStateless(to: remote, from: local, now: now) {
                unsafe StatelessPackets.writeRefusal(into: $0, answering: header, code: TransportError.invalidToken)
            }
            return
        }
        guard self.handshakeCount < configuration.maximumHandshakes else {
            self.counters.dropped.tooManyHandshakes += 1
            return
        }
        switch self.connectionCount < configuration.maximumConnections ? self.admit() : .refuse {
        case .accept:
            break
        case .refuse:
            self.counters.dropped.tooManyConnections += 1
            unsafe self.answerStateless(to: remote, from: local, now: now) {
                unsafe StatelessPackets.writeRefusal(
                    into: $0,
                    answering: header,
                    code: TransportError.connectionRefused
                )
            }
            return
        case .drop:
            self.counters.dropped.tooManyConnects += 1
            return
        }
        let identifier = self.context.identifiers.make()
        let connection = QUICConnection(
            endpoint: self,
            isServer: true,
            limits: QUICConnection.Limits(configuration.common),
            remote: remote,
            admission: AddressAdmission(
                burst: configuration.newAddressBurst,
                interval: configuration.newAddressInterval.unsignedNanoseconds
            )
        )
        guard
            let engine = try? Engine(
                accepting: header,
                for: connection,
                context: self.context,
                protection: protection,
                configuration: configuration.common,
                identifier: identifier,
                token: validated,
                local: local,
                remote: remote,
                now: now
            )
        else {
            self.counters.handshakesFailed += 1
            return
        }
        connection.start(engine)
        connection.own(header.destination)
        connection.own(identifier)
        self.connectionCount += 1
        self.handshakeCount += 1
        self.counters.handshakesStarted += 1
        self.dispatchEvents()
        self.burstConnection = connection
        if let end = unsafe connection.read(datagram, from: remote, to: local, ecn: ecn, now: now) {
            self.dispatchEvents()
            self.finish(connection, end, now: now)
            if case .needsRetry = end, configuration.retry.mode != .never {
                self.sendRetry(answering: header, to: remote, from: local, now: now)
            }
        }
    }

    /// Asks the user for a delegate of a new connection.
    func accept(_ connection: QUICConnection) -> (any QUICConnectionDelegate)? {
        guard case .server(_, _, let accept) = self.role else { return nil }
        return accept(connection)
    }

    func didEstablish(_ connection: QUICConnection) {
        self.handshakeCount -= 1
        self.counters.handshakesCompleted += 1
    }
}

/// Transport error codes that we send by ourselves (RFC 9000 §20.1).
enum TransportError {
    static let connectionRefused: UInt64 = 0x2
    static let streamLimit: UInt64 = 0x4
    static let invalidToken: UInt64 = 0xb
}
