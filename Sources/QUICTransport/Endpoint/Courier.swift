/// Carries datagrams to the other endpoints of the port: the kernel chose a socket by an address that has changed since.
struct Courier {
    /// Weight at which a batch leaves before the read burst is over, octets.
    private static let batchWeight = 64 * 1024

    /// The endpoints that share the port; this one is `worker` among them.
    let group: QUICEndpointGroup
    let worker: Int
    /// Where the others leave datagrams for this endpoint, while it is one of the group.
    private var inbox: StrayInbox?
    /// Where to leave datagrams for the others, by worker.
    var inboxes: [StrayInbox?] = []
    /// By worker: what this read burst brought for others.
    private var batches: [StrayBatch] = []
    private var isEmpty = true

    init(group: QUICEndpointGroup, worker: Int) {
        self.group = group
        self.worker = worker
    }

    /// Keeps a copy of a datagram for its owner until the read burst is over.
    mutating func toss(
        _ datagram: UnsafeRawBufferPointer,
        to worker: Int,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        ingress: RelayIngress? = nil,
        counters: inout QUICCounters
    ) {
        guard self.inboxes.indices.contains(worker), self.inboxes[worker] != nil else {
            counters.dropped.unknownConnection += 1
            return
        }
        if self.batches.isEmpty { self.batches = Array(repeating: StrayBatch(), count: self.inboxes.count) }
        unsafe self.batches[worker].append(datagram, from: remote, to: local, ecn: ecn, ingress: ingress)
        if self.batches[worker].weight >= Self.batchWeight { self.send(to: worker, counters: &counters) }
        self.isEmpty = false
    }

    /// Hands over what has gathered.
    mutating func send(counters: inout QUICCounters) {
        guard !self.isEmpty else { return }
        self.isEmpty = true
        for worker in self.batches.indices where !self.batches[worker].isEmpty {
            self.send(to: worker, counters: &counters)
        }
    }

    private mutating func send(to worker: Int, counters: inout QUICCounters) {
        let batch = self.batches[worker]
        self.batches[worker] = StrayBatch()
        if self.inboxes.indices.contains(worker), self.inboxes[worker]?.take(batch) == true {
            counters.tossedOut += batch.count
        } else {
            counters.dropped.tossLimit += batch.count
        }
    }

    // MARK: The group

    /// Lets the other endpoints know of this one.
    ///
    /// - Returns: whether it was the last that was missing.
    mutating func join(_ inbox: StrayInbox) -> Bool {
        self.inbox = inbox
        return self.group.join(inbox, worker: self.worker)
    }

    mutating func leave() {
        self.inboxes = []
        guard let inbox = self.inbox else { return }
        self.inbox = nil
        inbox.close()
        self.group.leave(worker: self.worker)
    }
}
