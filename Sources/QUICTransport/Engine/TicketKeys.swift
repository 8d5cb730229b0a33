internal import CNgtcp2
internal import NIOConcurrencyHelpers

/// The keys that seal a listener's session tickets: random, in memory only, shared by the listener's loops.
///
/// A key seals for a day. After that it opens tickets for one more lifetime and is forgotten, so that early data recorded
/// before cannot be decrypted by reading the memory later. After a restart no ticket opens, and all clients make full
/// handshakes. A lock is taken once for each ClientHello.
package final class TicketKeys: Sendable {
    /// The time for which a ticket is valid after it was sealed.
    package let lifetime: Duration

    /// The time for which a key seals, nanoseconds.
    static let sealingPeriod: UInt64 = 86_400_000_000_000

    /// A key that a handshake uses.
    struct Key {
        let number: Int
        fileprivate let secret: TicketSecret

        func withDatum<Result>(_ body: (UnsafePointer<gnutls_datum_t>) -> Result) -> Result {
            unsafe self.secret.withDatum(body)
        }
    }

    /// A key with the tickets that it sealed.
    private struct Generation {
        let key: Key
        /// The instant at which the key began to seal.
        let born: UInt64
        /// The names in the tickets that the key has sealed. The TLS library derives its actual key, and the name, anew from
        /// time to time.
        var names: [TicketKeyName] = []
    }

    /// What the lock protects.
    private struct State {
        var current: Generation?
        var previous: Generation?
        var count = 0
        /// The store's count of clock jumps when the keys were made.
        var clockJumps = 0
    }

    private let state = NIOLockedValueBox(State())

    /// - Parameter lifetime: 1 s to 1 day.
    package init(lifetime: Duration = .seconds(7_200)) {
        self.lifetime = lifetime
    }

    /// The key for a handshake: the one that sealed the client's ticket, if it is still there, else the one that seals now.
    ///
    /// - Parameter clockJumps: the store's count of clock jumps. Tickets from before a jump are not opened, since their age
    ///   is unknown.
    func key(for name: TicketKeyName?, now: UInt64, clockJumps: Int) -> Key {
        self.state.withLockedValue { state in
            if state.clockJumps != clockJumps {
                state.current = nil
                state.previous = nil
                state.clockJumps = clockJumps
            }
            if let current = state.current, now &- current.born >= Self.sealingPeriod {
                state.previous = current
                state.current = nil
            }
            if let previous = state.previous {
                let age = now &- previous.born
                if age >= Self.sealingPeriod + self.lifetime.unsignedNanoseconds { state.previous = nil }
            }
            let current = state.current ?? Self.begin(&state, now: now)
            if let name, let previous = state.previous, previous.names.contains(name) { return previous.key }
            return current.key
        }
    }

    /// True if tickets that the key seals now can be opened for their whole lifetime.
    func seals(_ number: Int, now: UInt64) -> Bool {
        self.state.withLockedValue { state in
            guard let current = state.current, current.key.number == number else { return false }
            return now &- current.born < Self.sealingPeriod
        }
    }

    /// Notes the name in a ticket that a key has sealed.
    func note(_ name: TicketKeyName, of number: Int) {
        self.state.withLockedValue { state in
            guard state.current?.key.number == number, state.current?.names.last != name else { return }
            state.current?.names.append(name)
        }
    }

    private static func begin(_ state: inout State, now: UInt64) -> Generation {
        state.count += 1
        let made = Generation(key: Key(number: state.count, secret: TicketSecret()), born: now)
        state.current = made
        return made
    }
}

/// The first octets of a ticket, which name the key that opens it (RFC 5077 §4).
struct TicketKeyName: Hashable {
    static let count = 16

    private let high: UInt64
    private let low: UInt64

    /// - Parameter ticket: `nil` results from one that is too short.
    init?(_ ticket: UnsafeRawBufferPointer) {
        guard ticket.count >= Self.count else { return nil }
        unsafe self.high = ticket.loadUnaligned(as: UInt64.self)
        unsafe self.low = ticket.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    }
}

/// Random octets that are wiped when they are freed.
@safe private final class TicketSecret: Sendable {
    private static let count = 64
    nonisolated(unsafe) private let octets: UnsafeMutableRawBufferPointer

    init() {
        unsafe self.octets = .allocate(byteCount: Self.count, alignment: 16)
        unsafe RandomBytes.fill(self.octets)
    }

    deinit {
        unsafe gnutls_memset(self.octets.baseAddress, 0, self.octets.count)
        unsafe self.octets.deallocate()
    }

    func withDatum<Result>(_ body: (UnsafePointer<gnutls_datum_t>) -> Result) -> Result {
        var datum = unsafe gnutls_datum_t(
            data: self.octets.baseAddress?.assumingMemoryBound(to: UInt8.self),
            size: UInt32(Self.count)
        )
        return unsafe body(&datum)
    }
}
