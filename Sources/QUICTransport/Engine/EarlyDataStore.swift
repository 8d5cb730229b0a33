internal import NIOConcurrencyHelpers

/// The store of all ClientHellos whose early data was accepted, so that none is executed twice (RFC 8446 §8.2).
///
/// One store serves all loops of a process, since a replay may reach another loop. The key of an entry is the binder of the ClientHello,
/// which only the ticket's owner can make. A lock is taken once for each resuming ClientHello. When the store cannot tell
/// whether early data is new, the data is refused and the handshake goes on.
package final class EarlyDataStore: Sendable {
    /// The time for which a ClientHello is remembered at least.
    package let window: Duration
    /// The most ClientHellos that are remembered, some 40 bytes each.
    package let capacity: Int

    package static let defaultCapacity = 1_000_000

    /// Whether the early data behind a ClientHello may be accepted.
    enum Verdict {
        case fresh
        case replayed
        /// The store has as many ClientHellos as it may.
        case full
        /// The wall clock has jumped, so that the age of a ClientHello is unknown.
        case clockJumped
    }

    /// The number of slices that the window is divided into.
    private static let sliceCount: UInt64 = 4

    /// The ClientHellos of one part of the window. The oldest slice is forgotten as a whole.
    private struct Slice {
        let born: UInt64
        var binders = Set<Binder>()
    }

    /// What the lock protects.
    private struct State {
        var slices: [Slice] = []
        var count = 0
        var lastReading: ClockReading?
        var jumps = 0
    }

    private let clock: @Sendable () -> ClockReading
    private let state = NIOLockedValueBox(State())

    /// - Parameter window: at least twice the lifetime of the tickets.
    package init(
        window: Duration,
        capacity: Int = EarlyDataStore.defaultCapacity,
        clock: @escaping @Sendable () -> ClockReading = { ClockReading.now }
    ) {
        self.window = window
        self.capacity = capacity
        self.clock = clock
    }

    /// The number of ClientHellos that are remembered.
    package var count: Int { self.state.withLockedValue { $0.count } }

    /// Remembers the ClientHello with this binder, if it is new.
    ///
    /// - Parameter binder: 32 octets or more.
    /// - Parameter jumps: the value of `clockJumps` when the key that opened the ticket was chosen.
    func admit(_ binder: UnsafeRawBufferPointer, clockJumps jumps: Int) -> Verdict {
        guard let binder = unsafe Binder(binder) else { return .replayed }
        return self.state.withLockedValue { state in
            let reading = self.clock()
            Self.watch(reading, &state)
            guard state.jumps == jumps else { return .clockJumped }
            let width = max(1, self.window.unsignedNanoseconds / Self.sliceCount)
            self.forget(before: reading.monotonic, width: width, &state)
            if state.slices.contains(where: { $0.binders.contains(binder) }) { return .replayed }
            guard state.count < self.capacity else { return .full }
            if state.slices.last.map({ reading.monotonic - $0.born >= width }) ?? true {
                state.slices.append(Slice(born: reading.monotonic))
            }
            state.slices[state.slices.count - 1].binders.insert(binder)
            state.count += 1
            return .fresh
        }
    }

    /// The number of times that the wall clock was seen to jump.
    var clockJumps: Int {
        self.state.withLockedValue { state in
            Self.watch(self.clock(), &state)
            return state.jumps
        }
    }

    /// A slice is forgotten when its last ClientHello is as old as the window.
    private func forget(before now: UInt64, width: UInt64, _ state: inout State) {
        let age = self.window.unsignedNanoseconds + width
        while let first = state.slices.first, now - first.born >= age {
            state.count -= first.binders.count
            state.slices.removeFirst()
        }
    }

    /// Nanoseconds by which the clocks may differ between two readings, in addition to a thousandth of the time between
    /// them, which is twice the rate at which clocks are slewed.
    private static let tolerance: UInt64 = 1_000_000_000

    private static func watch(_ reading: ClockReading, _ state: inout State) {
        defer { state.lastReading = reading }
        guard let last = state.lastReading else { return }
        let passed = reading.monotonic - last.monotonic
        let difference = (reading.wall &- last.wall &- Int64(clamping: passed)).magnitude
        guard difference > Self.tolerance + passed / 1_000 else { return }
        state.jumps += 1
        // No ticket from before the jump is opened any more.
        state.slices = []
        state.count = 0
    }

    /// The first 128 bits of a binder, which is a message authentication code.
    private struct Binder: Hashable {
        private let high: UInt64
        private let low: UInt64

        init?(_ octets: UnsafeRawBufferPointer) {
            guard octets.count >= 16 else { return nil }
            unsafe self.high = octets.loadUnaligned(as: UInt64.self)
            unsafe self.low = octets.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        }
    }
}
