internal import NIOConcurrencyHelpers

/// The endpoints that share one port, one on each loop, by worker number. The endpoints toss each other the datagrams that the
/// kernel gave to the wrong socket.
package final class QUICEndpointGroup: Sendable {
    /// The number of workers that connection identifiers have room for.
    package static let maximumCount = RoutableConnectionIDGenerator.maximumWorkers

    /// Endpoints of the port, 1 ... 32.
    package let count: Int
    private let inboxes: NIOLockedValueBox<[StrayInbox?]>

    package init(count: Int) {
        self.count = count
        self.inboxes = NIOLockedValueBox(Array(repeating: nil, count: max(0, count)))
    }

    /// Adds an endpoint. True if all endpoints of the port are there now.
    func join(_ inbox: StrayInbox, worker: Int) -> Bool {
        self.update { $0[worker] = inbox }
    }

    func leave(worker: Int) {
        _ = self.update { $0[worker] = nil }
    }

    private func update(_ change: (inout [StrayInbox?]) -> Void) -> Bool {
        let inboxes = self.inboxes.withLockedValue { inboxes in
            change(&inboxes)
            return inboxes
        }
        for inbox in inboxes { inbox?.tell(inboxes) }
        return inboxes.allSatisfy { $0 != nil }
    }
}
