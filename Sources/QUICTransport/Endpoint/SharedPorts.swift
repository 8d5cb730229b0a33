internal import NIOConcurrencyHelpers
internal import NIOCore

/// The addresses that endpoints of this process share by SO_REUSEPORT, each with its workers in the kernel's order of their
/// sockets.
///
/// The first holder of an address binds it once without SO_REUSEPORT: only that fails when another process has it,
/// however that process opened it. Used when endpoints open and close.
enum SharedPorts {
    private static let holders = NIOLockedValueBox<[SocketAddress: [Int]]>([:])

    /// Runs `prove` if no endpoint of this process holds the address yet, then `bind`, and records the worker under the
    /// bound address.
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

    /// Removes a worker. The last worker takes its place, as the kernel does with sockets.
    static func leave(_ address: SocketAddress, worker: Int) {
        self.holders.withLockedValue { holders in
            guard var workers = holders[address], let place = workers.firstIndex(of: worker) else { return }
            workers.swapAt(place, workers.count - 1)
            workers.removeLast()
            holders[address] = workers.isEmpty ? nil : workers
        }
    }
}
