internal import CNgtcp2

/// Asks the store on behalf of the TLS library, for the sessions of one endpoint.
///
/// GnuTLS takes no early data for tickets older than its memory, which it begins anew when that is older than the window.
/// So there are memories that overlap, one for each lifetime of a ticket, whether or not anybody connects here: tickets
/// come from other loops, too. Each session gets the oldest that will not begin anew, and it reaches back to the oldest
/// ticket there is. What is in none of them is in the store.
@safe final class EarlyDataGuard {
    /// What the TLS library keeps for itself. A session holds the one that it was given for as long as it lives: there is
    /// no telling when a slow client has shown its ticket.
    @safe final class Memory {
        fileprivate let handle: OpaquePointer
        fileprivate let born: UInt64

        fileprivate init(handle: OpaquePointer, born: UInt64) {
            unsafe self.handle = handle
            self.born = born
        }

        deinit { unsafe gnutls_anti_replay_deinit(self.handle) }
    }

    private let store: EarlyDataStore
    let lifetime: UInt64
    private let window: UInt64
    /// Oldest first.
    private var memories: [Memory] = []
    /// What the store said to the ClientHello that is being read.
    private var verdict: EarlyDataStore.Verdict?
    /// What the store knew of the clock when the key for that ClientHello was chosen.
    var clockJumps = 0

    /// - Parameter now: before it there were no tickets.
    init(_ resumption: QUICServerResumption, store: EarlyDataStore, now: UInt64) throws(QUICError) {
        self.store = store
        self.lifetime = resumption.keys.lifetime.unsignedNanoseconds
        self.window = resumption.window.unsignedNanoseconds
        try self.renew(now: now)
    }

    /// Begins one more memory; due after each lifetime of a ticket.
    func renew(now: UInt64) throws(QUICError) {
        self.memories.append(unsafe Memory(handle: try self.makeMemory(), born: now))
        self.memories.removeAll { now &- $0.born >= self.window }
    }

    func enable(on session: TLSSession, now: UInt64) {
        guard let memory = self.memories.first(where: { now &- $0.born < self.window }) else { return }
        session.earlyDataMemory = memory
        unsafe gnutls_anti_replay_enable(session.handle, memory.handle)
    }

    /// What was said to the ClientHello that has been read; `nil` if nobody asked.
    func takeVerdict() -> EarlyDataStore.Verdict? {
        defer { self.verdict = nil }
        return self.verdict
    }

    private func makeMemory() throws(QUICError) -> OpaquePointer {
        var made: OpaquePointer?
        try unsafe check(gnutls_anti_replay_init(&made))
        guard let made = unsafe made else { throw .engine("no memory of early data") }
        let milliseconds = self.window / 1_000_000
        unsafe gnutls_anti_replay_set_window(made, UInt32(clamping: milliseconds))
        unsafe gnutls_anti_replay_set_ptr(made, Unmanaged.passUnretained(self).toOpaque())
        unsafe gnutls_anti_replay_set_add_function(made) { place, _, key, _ in
            guard let place = unsafe place, let key = unsafe key else { return GNUTLS_E_DB_ERROR }
            return unsafe Unmanaged<EarlyDataGuard>.fromOpaque(place).takeUnretainedValue().add(key)
        }
        return unsafe made
    }

    /// The key begins with when the memory began, which is another for each; what follows is the binder.
    private func add(_ key: UnsafePointer<gnutls_datum_t>) -> CInt {
        let octets = unsafe UnsafeRawBufferPointer(start: key.pointee.data, count: Int(key.pointee.size))
        let said = unsafe self.store.admit(
            UnsafeRawBufferPointer(rebasing: octets.dropFirst(12)),
            clockJumps: self.clockJumps
        )
        self.verdict = said
        return said == .fresh ? 0 : GNUTLS_E_DB_ENTRY_EXISTS
    }
}
