internal import CNgtcp2

/// The link between the TLS library's check for replays and the store of early data, for the sessions of one endpoint.
///
/// GnuTLS accepts early data only for tickets younger than its anti-replay record, which begins anew when it is older than
/// the window. So there are records that overlap, one for each lifetime of a ticket. A record begins whether or not clients
/// connect, since tickets of other loops are shown here, too. Each session gets the oldest record that will not begin anew;
/// that record reaches back to the oldest ticket. The ClientHellos themselves are in the store only.
@safe final class EarlyDataGuard {
    /// An anti-replay record of the TLS library. A session holds the record that it was given until it ends, since a slow
    /// client may show its ticket late.
    @safe final class Record {
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
    /// The records, oldest first.
    private var records: [Record] = []
    /// The store's verdict on the ClientHello that is being read.
    private var verdict: EarlyDataStore.Verdict?
    /// The store's `clockJumps` when the ticket key for that ClientHello was chosen.
    var clockJumps = 0

    /// - Parameter now: nanoseconds; no ticket is older.
    init(_ resumption: QUICServerResumption, store: EarlyDataStore, now: UInt64) throws(QUICError) {
        self.store = store
        self.lifetime = resumption.keys.lifetime.unsignedNanoseconds
        self.window = resumption.window.unsignedNanoseconds
        try self.renew(now: now)
    }

    /// Begins another record; due after each lifetime of a ticket.
    func renew(now: UInt64) throws(QUICError) {
        self.records.append(unsafe Record(handle: try self.makeRecord(), born: now))
        self.records.removeAll { now &- $0.born >= self.window }
    }

    /// Lets a session accept early data, and gives it the record that its ticket is looked up in.
    func enable(on session: TLSSession, now: UInt64) {
        guard let record = self.records.first(where: { now &- $0.born < self.window }) else { return }
        session.antiReplayRecord = record
        unsafe gnutls_anti_replay_enable(session.handle, record.handle)
    }

    /// Takes the verdict on the ClientHello that was read; `nil` if the TLS library did not ask.
    func takeVerdict() -> EarlyDataStore.Verdict? {
        defer { self.verdict = nil }
        return self.verdict
    }

    private func makeRecord() throws(QUICError) -> OpaquePointer {
        var made: OpaquePointer?
        try unsafe check(gnutls_anti_replay_init(&made))
        guard let made = unsafe made else { throw .engine("GnuTLS made no anti-replay context") }
        let milliseconds = self.window / 1_000_000
        unsafe gnutls_anti_replay_set_window(made, UInt32(clamping: milliseconds))
        unsafe gnutls_anti_replay_set_ptr(made, Unmanaged.passUnretained(self).toOpaque())
        unsafe gnutls_anti_replay_set_add_function(made) { place, _, key, _ in
            guard let place = unsafe place, let key = unsafe key else { return GNUTLS_E_DB_ERROR }
            return unsafe Unmanaged<EarlyDataGuard>.fromOpaque(place).takeUnretainedValue().add(key)
        }
        return unsafe made
    }

    /// The library's key begins with the start time of the record; the binder follows.
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
