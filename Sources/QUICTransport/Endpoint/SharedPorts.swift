internal import NIOConcurrencyHelpers
internal import NIOCore

/// The addresses that endpoints of this process share with each other by SO_REUSEPORT, with the number of holders.
///
/// The first holder of an address binds it once without SO_REUSEPORT: only that fails when another process has it,
/// however that process opened it. Used when endpoints open and close, and before the few packets that are sent without state.
enum SharedPorts {
    private static let holders = NIOLockedValueBox<[SocketAddress: Int]>([:])

    /// Runs `prove` if nobody here holds the address yet, then `bind`, and counts the holder of what was bound.
    static func join<Bound>(
        _ address: SocketAddress,
        prove: () throws -> Void,
        bind: () throws -> (Bound, SocketAddress)
    ) throws -> Bound {
        try self.holders.withLockedValue { holders in
            if holders[address] == nil { try prove() }
            let (bound, actual) = try bind()
            holders[actual, default: 0] += 1
            return bound
        }
    }

    /// Whether more than one endpoint holds the address.
    static func isShared(_ address: SocketAddress) -> Bool {
        self.holders.withLockedValue { ($0[address] ?? 0) > 1 }
    }

    static func leave(_ address: SocketAddress) {
        self.holders.withLockedValue { holders in
            guard let count = holders[address] else { return }
            holders[address] = count > 1 ? count - 1 : nil
        }
    }
}
