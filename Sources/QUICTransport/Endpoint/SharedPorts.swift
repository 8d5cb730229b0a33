internal import NIOConcurrencyHelpers
internal import NIOCore

/// The addresses that endpoints of this process share with each other by SO_REUSEPORT, with their workers in the order
/// in which the kernel keeps the sockets.
///
/// The first holder of an address binds it once without SO_REUSEPORT: only that fails when another process has it,
/// however that process opened it. Used when endpoints open and close.
enum SharedPorts {
    private static let holders = NIOLockedValueBox<[SocketAddress: [Int]]>([:])

    /// Runs `prove` if nobody here holds the address yet, then `bind`, and takes down the holder of what was bound.
    static func join<Bound>(
        _ address: SocketAddress,
        worker: Int,
        prove: () throws -> Void,
        bind: () throws -> (Bound, SocketAddress)
    ) throws -> Bound {
        try self.holders.withLockedValue { holders in
            if holders[address] == nil { try prove() }
            let (bound, actual) = try bind()
            holders[actual, default: []].append(worker)
            return bound
        }
    }

    /// The workers whose sockets hold the address: the kernel's order.
    static func workers(of address: SocketAddress) -> [Int] {
        self.holders.withLockedValue { $0[address] ?? [] }
    }

    /// The last takes the place of the one that leaves, as in the kernel.
    static func leave(_ address: SocketAddress, worker: Int) {
        self.holders.withLockedValue { holders in
            guard var workers = holders[address], let place = workers.firstIndex(of: worker) else { return }
            workers.swapAt(place, workers.count - 1)
            workers.removeLast()
            holders[address] = workers.isEmpty ? nil : workers
        }
    }
}
