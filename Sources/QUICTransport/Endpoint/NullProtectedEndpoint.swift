#if DEBUG || FUZZING
    import Glibc
    internal import Logging
    package import NIOCore

    /// A listening endpoint without a socket and without packet protection, for fuzzing.
    ///
    /// All methods must be called on the event loop.
    package final class NullProtectedEndpoint {
        package let endpoint: QUICEndpoint
        private var clientPacketNumber: UInt32 = 0
        private let clientIdentifier: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

        /// - Parameter foldDelay: silence after which a connection's memory is folded.
        package init(
            loop: any EventLoop,
            foldDelay: Duration? = nil,
            accept: @escaping (QUICConnection) -> (any QUICConnectionDelegate)?
        ) throws {
            var configuration = QUICServerConfiguration(
                certificateChain: [],
                privateKey: [],
                staticSecret: [UInt8](repeating: 1, count: 32)
            )
            configuration.common.idleTimeout = .seconds(30)
            configuration.common.foldDelay = foldDelay
            let address = try SocketAddress(ipAddress: "127.0.0.1", port: 9)
            self.endpoint = try QUICEndpoint.server(
                configuration,
                protection: .null,
                wishedAddress: address,
                socketWishes: DatagramSocket.Wishes(),
                loop: loop,
                logger: Logger(label: "null"),
                accept: accept
            )
            self.endpoint.canonicalAddress = DatagramAddress(address) ?? DatagramAddress()
            // Packets are sent to a port at which nobody listens.
            let socket = try DatagramSocket.open(
                on: SocketAddress(ipAddress: "127.0.0.1", port: 0),
                wishes: DatagramSocket.Wishes()
            )
            self.endpoint.socket = EndpointSocket(socket: socket, channel: nil, wishes: DatagramSocket.Wishes())
            Glibc.close(socket.descriptor)
        }

        // MARK: Datagrams

        package func receive(_ datagram: [UInt8], fromPort port: UInt16) {
            guard var remote = DatagramAddress(self.endpoint.wishedAddress) else { return }
            remote.port = port
            unsafe datagram.withUnsafeBytes { bytes in
                unsafe self.endpoint.receive(
                    bytes,
                    from: remote,
                    to: self.endpoint.canonicalAddress,
                    ecn: 0,
                    now: self.endpoint.now
                )
            }
            self.endTick()
        }

        /// Does what the loop does at the end of its tick.
        private func endTick() {
            self.endpoint.finishBurst()
            self.endpoint.isTurnScheduled = false
            self.endpoint.takeTurn()
            self.endpoint.flush()
        }

        /// Lets time pass, and fires the timers that are due.
        package func advance(milliseconds: UInt64) {
            self.endpoint.skew += milliseconds * 1_000_000
            self.endpoint.timerFired()
        }

        // MARK: A client

        /// Establishes a connection, and returns it.
        package func connect(fromPort port: UInt16) -> QUICConnection? {
            guard let connection = self.begin(fromPort: port) else { return nil }
            self.complete(connection, fromPort: port)
            return connection.isEstablished ? connection : nil
        }

        /// Begins a handshake.
        package func begin(fromPort port: UInt16) -> QUICConnection? {
            self.clientPacketNumber = 0
            var first: QUICConnection?
            let original = RandomBytes.make(8)
            self.receive(self.longPacket(type: 0, to: original, frames: self.crypto, least: 1_200), fromPort: port)
            for connection in self.endpoint.table.connections where connection.identifiers.count >= 2 {
                if connection.identifiers.first?.octets == original { first = connection }
            }
            return first
        }

        /// Receives the client's answer in its handshake.
        package func complete(_ connection: QUICConnection, fromPort port: UInt16) {
            guard let identifier = connection.identifiers.dropFirst().first else { return }
            self.receive(
                self.longPacket(type: 2, to: identifier.octets, frames: self.crypto, least: 0),
                fromPort: port
            )
        }

        /// A packet of the client with a short header.
        package func shortPacket(to connection: QUICConnection, frames: [UInt8]) -> [UInt8] {
            let target = connection.identifiers.last?.octets ?? []
            self.clientPacketNumber += 1
            return [0x43] + target + self.packetNumber + self.padded(frames) + [UInt8](repeating: 0, count: 16)
        }

        /// A client's first packet, to an identifier of its choice.
        package func firstFlight(frames: [UInt8]) -> [UInt8] {
            self.longPacket(type: 0, to: RandomBytes.make(8), frames: frames, least: 1_200)
        }

        private var crypto: [UInt8] { [0x06, 0x00, 0x04, 1, 2, 3, 4] }

        private var packetNumber: [UInt8] {
            unsafe withUnsafeBytes(of: self.clientPacketNumber.bigEndian) { unsafe Array($0) }
        }

        private func padded(_ frames: [UInt8]) -> [UInt8] {
            frames + [UInt8](repeating: 0, count: max(0, 4 - frames.count))
        }

        private func longPacket(type: UInt8, to target: [UInt8], frames: [UInt8], least: Int) -> [UInt8] {
            var packet: [UInt8] = [0xc3 | type << 4, 0, 0, 0, 1, UInt8(target.count)] + target
            packet += [UInt8(self.clientIdentifier.count)] + self.clientIdentifier
            if type == 0 { packet.append(0) }
            let padding = [UInt8](repeating: 0, count: max(0, least - packet.count - 2 - 4 - frames.count - 16))
            let length = 4 + frames.count + padding.count + 16
            packet += [0x40 | UInt8(length >> 8), UInt8(truncatingIfNeeded: length)]
            return packet + self.packetNumber + frames + padding + [UInt8](repeating: 0, count: 16)
        }

        // MARK: Afterwards

        /// Ends all connections, and lets ten minutes pass.
        ///
        /// - Returns: what the endpoint still holds of them, though it should hold nothing; `nil` if it holds nothing.
        package func endAll() -> String? {
            for connection in self.endpoint.table.connections {
                self.endpoint.finish(connection, .silent(.idleTimeout), now: self.endpoint.now)
            }
            self.endTick()
            self.advance(milliseconds: 600_000)
            let left = [
                "connections": self.endpoint.connectionCount,
                "handshakes": self.endpoint.handshakeCount,
                "identifiers": self.endpoint.table.identifierCount,
                "deadlines": self.endpoint.deadlines.count,
                "waiting clients": self.endpoint.acceptor?.waiting.count ?? 0,
                "waiting datagrams": self.endpoint.acceptor?.underWay.count ?? 0,
                "closed connections": self.endpoint.closedConnections.count,
                "events": self.endpoint.context.events.count,
                "dirty connections": self.endpoint.egress.dirty.filter { !$0.isClosed }.count,
            ].filter { $0.value != 0 }
            return left.isEmpty ? nil : "\(left)"
        }
    }
#endif
