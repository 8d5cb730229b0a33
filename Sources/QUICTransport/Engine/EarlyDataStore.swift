internal import NIOConcurrencyHelpers

/// Remembers every ClientHello whose early data was accepted, so that none is executed twice (RFC 8446 §8.2).
///
/// One store serves all loops of a process: a replay may come from another address, and so to another loop. It is keyed
/// by the binder of the ClientHello, which nobody but the ticket's owner can make. Asked once per resumed ClientHello,
/// which is what its lock is for. Where it cannot promise anything early data is refused, and the handshake goes on.
package final class EarlyDataStore: Sendable {
    /// How long a ClientHello is remembered at least.
    package let window: Duration
    /// ClientHellos that are remembered at most, some 40 bytes each.
    package let capacity: Int

    package static let defaultCapacity = 1_000_000

    enum Verdict {
        case fresh
        case replayed
        /// As many are remembered as may.
        case full
        /// How old a ClientHello is cannot be told by a clock that jumps.
        case clockJumped
    }

    /// The window is cut into slices, of which the oldest is forgotten as a whole.
    private static let sliceCount: UInt64 = 4

    private struct Slice {
        let born: UInt64
        var binders = Set<Binder>()
    }

    private struct State {
        var slices: [Slice] = []
        var count = 0
        var lastReading: ClockReading?
        var jumps = 0
    }

    private let clock: @Sendable () -> ClockReading
    private let state = NIOLockedValueBox(State())

    /// - Parameter window: twice the lifetime of the tickets at least.
    package init(
        window: Duration,
        capacity: Int = EarlyDataStore.defaultCapacity,
        clock: @escaping @Sendable () -> ClockReading = { ClockReading.now }
    ) {
        self.window = window
        self.capacity = capacity
        self.clock = clock
    }

    /// ClientHellos that are remembered.
    package var count: Int { self.state.withLockedValue { $0.count } }

    /// Whether the ClientHello with this binder is new; if so it is remembered.
    ///
    /// - Parameter binder: 32 octets or more.
    /// - Parameter jumps: what `clockJumps` was when the key was chosen that opened the ticket.
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

    /// How often the wall clock was seen to jump.
    var clockJumps: Int {
        self.state.withLockedValue { state in
            Self.watch(self.clock(), &state)
            return state.jumps
        }
    }

    /// A slice is done with when its last ClientHello is as old as the window.
    private func forget(before now: UInt64, width: UInt64, _ state: inout State) {
        let age = self.window.unsignedNanoseconds + width
        while let first = state.slices.first, now - first.born >= age {
            state.count -= first.binders.count
            state.slices.removeFirst()
        }
    }

    /// Nanoseconds by which the clocks may differ between two readings, besides a thousandth of the time between them:
    /// twice what a clock is slewed by.
    private static let tolerance: UInt64 = 1_000_000_000

    private static func watch(_ reading: ClockReading, _ state: inout State) {
        defer { state.lastReading = reading }
        guard let last = state.lastReading else { return }
        let passed = reading.monotonic - last.monotonic
        let difference = (reading.wall &- last.wall &- Int64(clamping: passed)).magnitude
        guard difference > Self.tolerance + passed / 1_000 else { return }
        state.jumps += 1
        // Their tickets are opened no more.
        state.slices = []
        state.count = 0
    }

    /// 128 bits of a message authentication code.
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
