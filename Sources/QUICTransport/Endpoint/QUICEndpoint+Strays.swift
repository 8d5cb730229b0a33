internal import Logging

/// Datagrams for the connections of other loops: the kernel chose a socket by an address that has changed since.
extension QUICEndpoint {
    /// Weight at which a batch goes before the read burst is over.
    private static let batchWeight = 64 * 1024

    /// Keeps a copy for its owner until the read burst is over.
    func toss(
        _ datagram: UnsafeRawBufferPointer,
        to worker: Int,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8
    ) {
        guard self.inboxes.indices.contains(worker), self.inboxes[worker] != nil else {
            self.counters.dropped.unknownConnection += 1
            return
        }
        if self.strays.isEmpty { self.strays = Array(repeating: StrayBatch(), count: self.inboxes.count) }
        unsafe self.strays[worker].append(datagram, from: remote, to: local, ecn: ecn)
        if self.strays[worker].weight >= Self.batchWeight { self.sendStrays(to: worker) }
        self.hasStrays = true
    }

    /// Hands over what has gathered.
    func sendStrays() {
        guard self.hasStrays else { return }
        self.hasStrays = false
        for worker in self.strays.indices where !self.strays[worker].isEmpty { self.sendStrays(to: worker) }
    }

    private func sendStrays(to worker: Int) {
        let batch = self.strays[worker]
        self.strays[worker] = StrayBatch()
        if self.inboxes.indices.contains(worker), self.inboxes[worker]?.take(batch) == true {
            self.counters.tossedOut += batch.count
        } else {
            self.counters.dropped.tossLimit += batch.count
        }
    }

    /// Reads what another loop was given for us, as if it had arrived here. What is for nobody here goes no further.
    func receive(_ batch: StrayBatch) {
        guard !self.isClosed else { return }
        if self.burstConnection == nil { self.context.beginBurst() }
        let now = self.now
        self.counters.tossedIn += batch.count
        unsafe batch.forEach { datagram, remote, local, ecn in
            unsafe self.receive(datagram, from: remote, to: local, ecn: ecn, now: now, isTossed: true)
        }
        self.finishBurst()
    }

    // MARK: The group

    /// Lets the other endpoints of the port know of this one.
    func joinGroup() {
        guard self.socketWishes.sharesPort, case .server(let configuration, _, _) = self.role else { return }
        let inbox = StrayInbox(self, limit: configuration.maximumTossedBytes)
        self.inbox = inbox
        if self.group.join(inbox, worker: self.worker) { self.steer() }
    }

    func leaveGroup() {
        self.inboxes = []
        guard let inbox = self.inbox else { return }
        self.inbox = nil
        inbox.close()
        self.group.leave(worker: self.worker)
    }

    /// Lets the kernel find the right socket by the identifier, once all sockets of the port are open. Where it does not,
    /// or chooses wrongly because a socket was replaced, datagrams are tossed.
    func steer() {
        guard self.socketWishes.sharesPort, case .server(let configuration, _, _) = self.role,
            configuration.steersInKernel, let steering = self.context.identifiers.steering, let socket = self.socket
        else { return }
        let order = SharedPorts.workers(of: self.localAddress)
        guard order.count == self.group.count else { return }
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
