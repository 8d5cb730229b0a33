internal import Logging

/// Strays: datagrams that the kernel gave to another loop's socket, because the client's address has changed.
extension QUICEndpoint {
    /// Reads datagrams that another loop tossed here, as if they had arrived here, except that they are not tossed again.
    func receive(_ batch: StrayBatch) {
        guard !self.isClosed else { return }
        if self.burstConnection == nil { self.context.beginBurst() }
        let now = self.now
        self.counters.tossedIn += batch.count
        unsafe batch.forEach { datagram, stray in
            unsafe self.receive(
                datagram,
                from: stray.remote,
                to: stray.local,
                ecn: stray.ecn,
                now: now,
                ingress: stray.ingress,
                isTossed: true
            )
        }
        self.finishBurst()
    }

    // MARK: The group

    /// Adds this endpoint to those that share the port.
    func joinGroup() {
        guard self.socketWishes.sharesPort, let limit = self.acceptor?.configuration.maximumTossedBytes else { return }
        if self.courier.join(StrayInbox(self, limit: limit)) { self.steer() }
    }

    /// Attaches the filter by which the kernel chooses the socket of a packet by its connection identifier, once all
    /// sockets of the port are open. Datagrams that it gives to the wrong socket, after one was replaced, are tossed.
    func steer() {
        guard self.socketWishes.sharesPort, self.acceptor?.configuration.steersInKernel == true,
            let steering = self.context.identifiers.steering, let socket = self.socket
        else { return }
        let order = SharedPorts.workers(of: self.localAddress)
        guard order.count == self.courier.group.count else { return }
        let status = DatagramSocket.steer(socket.descriptor, by: steering, among: order)
        if status == 0 {
            self.counters.steeringsAttached += 1
        } else {
            self.counters.steeringsRefused += 1
            self.logger.info(
                "the kernel does not steer QUIC packets; they are passed between loops",
                metadata: ["address": "\(self.localAddress)", "errno": "\(-status)"]
            )
        }
    }
}
