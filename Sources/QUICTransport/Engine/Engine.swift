internal import CDatagrams
internal import CNgtcp2
internal import NIOCore

/// The owner of an `ngtcp2_conn`. Datagrams and instants go in, packets and events come out.
///
/// ngtcp2 must not be called from within its callbacks. So the callbacks only record events, which the connection acts upon
/// after the call has returned. All instants are nanoseconds of the event loop's clock.
@safe final class Engine {
    unowned let connection: QUICConnection
    let context: EngineContext
    let isServer: Bool
    private let handle: OpaquePointer
    let memory: ConnectionMemory
    private var folded: FoldedMemory?
    private let maximumGaps: Int
    /// `nil` until a datagram has come on another path than the handshake's (servers only).
    var aliases: PathAliases?
    /// The user data of ngtcp2's callbacks, by which they find this object; also the handle for ngtcp2's TLS helper.
    private let reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>
    var tls = TLSState.released
    /// The state of early data.
    private(set) var earlyData = QUICEarlyData.none
    /// The most bytes of handshake messages that the peer may send at one level.
    let maximumHandshakeBytes: UInt64

    /// The TLS session, as long as it is needed.
    enum TLSState {
        /// No CRYPTO data has come. The TLS session is made for the first CRYPTO data, so that forged Initials cost none.
        case awaitingClient(TLSServerContext)
        case live(TLSSession)
        /// The session is freed. A server answers further CRYPTO data by `unexpected_message`; a client ignores the tickets
        /// that may come.
        case released
    }

    /// Makes the server's side of a connection whose first packet has the header.
    init(
        accepting header: PacketHeader,
        for connection: QUICConnection,
        context: EngineContext,
        protection: ServerProtection,
        configuration: QUICConfiguration,
        identifier: QUICConnectionID,
        preferred: PreferredPlace?,
        token: ValidatedToken?,
        local: DatagramAddress,
        remote: DatagramAddress,
        now: UInt64
    ) throws(QUICError) {
        self.connection = connection
        self.context = context
        self.isServer = true
        self.maximumHandshakeBytes = UInt64(configuration.maximumHandshakeBytes)
        self.maximumGaps = configuration.maximumGaps
        unsafe self.reference = .allocate(capacity: 1)
        let memory = context.takeMemory(folds: configuration.foldDelay != nil)
        var settings = unsafe ngtcp2_settings(configuration, now: now)
        var parameters = unsafe ngtcp2_transport_params(configuration)
        unsafe parameters.original_dcid = ngtcp2_cid(token?.original ?? header.destination)
        unsafe parameters.original_dcid_present = 1
        if let token {
            unsafe settings.token = token.octets.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe settings.tokenlen = token.octets.count
            unsafe settings.token_type =
                token.original == nil ? NGTCP2_TOKEN_TYPE_NEW_TOKEN : NGTCP2_TOKEN_TYPE_RETRY
            if token.original != nil {
                // The client compares both with the identifiers of the Retry and of its first packet (RFC 9000 §7.3).
                unsafe parameters.retry_scid = ngtcp2_cid(header.destination)
                unsafe parameters.retry_scid_present = 1
            }
        }
        unsafe parameters.stateless_reset_token_present = 1
        unsafe withUnsafeMutableBytes(of: &parameters.stateless_reset_token) { token in
            if let start = token.baseAddress {
                unsafe StatelessPackets.writeResetToken(
                    start.assumingMemoryBound(to: UInt8.self),
                    key: context.keys.issuing.resets,
                    identifier: identifier
                )
            }
        }
        if let preferred {
            unsafe parameters.preferred_addr = preferred.parameter(keys: context.keys.issuing)
            unsafe parameters.preferred_addr_present = 1
        }
        var client = ngtcp2_cid(header.source)
        var own = ngtcp2_cid(identifier)
        var made: OpaquePointer?
        let reference = unsafe self.reference
        // Without its port it is never taken for the preferred address (`PathAliases`).
        let status = unsafe withPath(local.withoutPort, remote) { path in
            unsafe configuration.probedSizes.withUnsafeBufferPointer { probes in
                unsafe settings.pmtud_probes = probes.baseAddress
                unsafe settings.pmtud_probeslen = probes.count
                return unsafe shim_conn_server_new(
                    &made,
                    &client,
                    &own,
                    path,
                    PacketHeader.version1,
                    protection.callbacks,
                    &settings,
                    &parameters,
                    memory.functions,
                    reference
                )
            }
        }
        guard status == 0, let made = unsafe made else {
            unsafe reference.deallocate()
            context.giveBack(memory)
            throw .engine(engineErrorText(status))
        }
        unsafe self.handle = made
        self.memory = memory
        if case .tls(let tls) = protection { self.tls = .awaitingClient(tls) }
        self.prepare(configuration)
    }

    /// Makes the client's side of a new connection.
    init(
        connecting connection: QUICConnection,
        context: EngineContext,
        tls: TLSClientContext,
        configuration client: QUICClientConfiguration,
        identifier: QUICConnectionID,
        token: [UInt8],
        local: DatagramAddress,
        remote: DatagramAddress,
        now: UInt64
    ) throws(QUICError) {
        let configuration = client.common
        self.connection = connection
        self.context = context
        self.isServer = false
        self.maximumHandshakeBytes = UInt64(configuration.maximumHandshakeBytes)
        self.maximumGaps = configuration.maximumGaps
        unsafe self.reference = .allocate(capacity: 1)
        let memory = context.takeMemory(folds: configuration.foldDelay != nil)
        var settings = unsafe ngtcp2_settings(configuration, now: now)
        var parameters = unsafe ngtcp2_transport_params(configuration)
        var server = ngtcp2_cid(RandomConnectionIDGenerator().make())
        var own = ngtcp2_cid(identifier)
        var made: OpaquePointer?
        let reference = unsafe self.reference
        let status = unsafe withPath(local, remote) { path in
            unsafe configuration.probedSizes.withUnsafeBufferPointer { probes in
                unsafe settings.pmtud_probes = probes.baseAddress
                unsafe settings.pmtud_probeslen = probes.count
                return unsafe token.withUnsafeBufferPointer { token in
                    unsafe settings.token = token.baseAddress
                    unsafe settings.tokenlen = token.count
                    return unsafe shim_conn_client_new(
                        &made,
                        &server,
                        &own,
                        path,
                        PacketHeader.version1,
                        client.usesPreferredAddress ? EngineCallbacks.client : EngineCallbacks.stayingClient,
                        &settings,
                        &parameters,
                        memory.functions,
                        reference
                    )
                }
            }
        }
        guard status == 0, let made = unsafe made else {
            unsafe reference.deallocate()
            context.giveBack(memory)
            throw .engine(engineErrorText(status))
        }
        unsafe self.handle = made
        self.memory = memory
        self.prepare(configuration)
        try self.beginSession(tls, client)
    }

    private func prepare(_ configuration: QUICConfiguration) {
        unsafe self.reference.initialize(
            to: ngtcp2_crypto_conn_ref(
                get_conn: { reference in unsafe reference.flatMap { unsafe Engine.from($0).conn } },
                user_data: Unmanaged.passUnretained(self).toOpaque()
            )
        )
        if let interval = configuration.keepAliveInterval {
            unsafe ngtcp2_conn_set_keep_alive_timeout(self.conn, interval.unsignedNanoseconds)
        }
    }

    deinit {
        // The connection may have been freed.
        if let folded = self.folded { self.memory.unfold(folded) }
        unsafe ngtcp2_conn_del(self.handle)
        self.context.giveBack(self.memory)
        self.tls = .released
        unsafe self.reference.deallocate()
    }

    static func from(_ reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>) -> Engine {
        unsafe Unmanaged<Engine>.fromOpaque(reference.pointee.user_data).takeUnretainedValue()
    }

    static func withContext(
        of reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>,
        _ body: (EngineContext) -> Void
    ) {
        unsafe Unmanaged<Engine>.fromOpaque(reference.pointee.user_data)._withUnsafeGuaranteedRef { body($0.context) }
    }

    // MARK: Memory

    /// The ngtcp2 connection, which is unfolded if it was folded.
    var conn: OpaquePointer {
        if let folded = self.folded { self.unfold(folded) }
        return unsafe self.handle
    }

    var isFolded: Bool { self.folded != nil }

    /// Folds the memory of ngtcp2, if it can be folded, until ngtcp2 is called again.
    func fold() {
        guard self.folded == nil else { return }
        self.folded = self.memory.fold(with: self.context.regions.scratch)
        if self.isFolded { self.connection.endpoint.counters.connectionsFolded += 1 }
    }

    private func unfold(_ folded: FoldedMemory) {
        self.memory.unfold(folded)
        self.folded = nil
        self.connection.endpoint.counters.connectionsUnfolded += 1
    }

    #if DEBUG
        /// Bytes of the folded memory, 0 while it is not folded.
        var foldedSize: Int { self.folded?.size ?? 0 }
    #endif

    // MARK: TLS

    /// Makes the client's session, which resumes with the ticket and sends early data if the ticket allows it.
    private func beginSession(_ tls: TLSClientContext, _ client: QUICClientConfiguration) throws(QUICError) {
        guard let ticket = client.ticket, ticket.isUsable(now: ClockReading.now.seconds),
            let session = unsafe try? tls.makeSession(self.reference, client, ticket: ticket)
        else {
            self.adopt(unsafe try tls.makeSession(self.reference, client, ticket: nil))
            return
        }
        self.adopt(session)
        guard client.sendsEarlyData, ticket.allowsEarlyData else { return }
        let status = unsafe ngtcp2_conn_decode_and_set_0rtt_transport_params(
            self.conn,
            ticket.transportParameters,
            ticket.transportParameters.count
        )
        if status == 0 { self.earlyData = .pending }
    }

    func adopt(_ session: TLSSession) {
        self.tls = .live(session)
        unsafe ngtcp2_conn_set_tls_native_handle(self.conn, UnsafeMutableRawPointer(session.handle))
    }

    /// Makes the server's session, for the first CRYPTO data of an authentic packet.
    func beginSession() -> Bool {
        guard case .awaitingClient(let context) = self.tls else { return true }
        let now = self.connection.endpoint.now
        guard let session = unsafe try? context.makeSession(self.reference, now: now) else { return false }
        self.adopt(session)
        return true
    }

    /// True if handshake messages may reach up to an offset. GnuTLS buffers messages of any length before it reads them.
    func allowsCryptoData(upTo end: UInt64) -> Bool {
        if end <= self.maximumHandshakeBytes { return true }
        unsafe ngtcp2_conn_set_tls_error(self.conn, NGTCP2_ERR_CRYPTO_BUFFER_EXCEEDED)
        self.connection.endpoint.counters.handshakesTooLarge += 1
        return false
    }

    /// Decides the state of early data when the handshake is complete. Called from within ngtcp2, which drops the streams of
    /// rejected early data.
    func decideEarlyData() {
        guard case .live(let session) = self.tls else { return }
        if self.isServer {
            if session.hasEarlyData { self.earlyData = .accepted }
        } else if case .pending = self.earlyData {
            self.earlyData = session.hasEarlyData ? .accepted : .rejected
            if case .rejected = self.earlyData { unsafe ngtcp2_conn_tls_early_data_rejected(self.conn) }
        }
    }

    /// False if a client resumes and its certificate is no longer trusted.
    var acceptsResumption: Bool {
        guard case .live(let session) = self.tls, let context = session.context as? TLSServerContext else {
            return true
        }
        return context.acceptsResumption(of: session)
    }

    /// Writes a session ticket for the client. False if none was written.
    func sendTicket() -> Bool {
        guard case .live(let session) = self.tls, let context = session.context as? TLSServerContext else {
            return false
        }
        return context.sendTicket(session, now: self.connection.endpoint.now)
    }

    /// The subject of the peer's certificate, while the session lives.
    var peerCertificate: QUICPeerCertificate? {
        guard case .live(let session) = self.tls else { return nil }
        return session.peerCertificate
    }

    /// The server's transport parameters, in the form that later connections take.
    var rememberedParameters: [UInt8] {
        var octets = [UInt8](repeating: 0, count: 256)
        let count = unsafe ngtcp2_conn_encode_0rtt_transport_params(self.conn, &octets, octets.count)
        return Array(octets.prefix(max(0, count)))
    }

    /// Frees the session, two fifths of a connection's memory. ngtcp2 has the keys by then, and updates them without the
    /// session.
    func releaseTLS() {
        unsafe ngtcp2_conn_set_tls_native_handle(self.conn, nil)
        self.tls = .released
    }

    /// Doubles the number of the peer's identifiers that are tolerated over the advertised limit. While addresses change
    /// quickly, an identifier that is being retired still counts when the peer's next one arrives, which must not end the
    /// connection.
    func tolerateMoreIdentifiers() {
        // The limit was advertised in the handshake; ngtcp2 reads it here only to count what arrives.
        let told = unsafe UnsafeMutablePointer(mutating: ngtcp2_conn_get_local_transport_params(self.conn))
        unsafe told?.pointee.active_connection_id_limit = 2 * ngtcp2_transport_params.activeIdentifierLimit
    }

    /// Queues a token for the client's next connection (NEW_TOKEN). False if it could not be queued.
    func submitToken(_ token: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe ngtcp2_conn_submit_new_token(self.conn, token.baseAddress, token.count) == 0
    }

    // MARK: Reading

    /// Reads one datagram. ngtcp2 is told that it came to the local address in use: a client has one socket, and a server's paths
    /// are known by their aliases.
    func read(_ datagram: UnsafeRawBufferPointer, on clientPath: ClientPath, ecn: UInt8, now: UInt64) -> EngineEnd? {
        let status = unsafe withPath(self.localAddress, self.alias(for: clientPath)) { path in
            unsafe shim_conn_read_pkt(
                self.conn,
                path,
                ecn,
                datagram.baseAddress?.assumingMemoryBound(to: UInt8.self),
                datagram.count,
                now
            )
        }
        guard status == 0 else { return self.end(status) }
        return self.memory.shortBlocks <= self.maximumGaps ? nil : self.endOfFragments
    }

    /// Handles timers that are due.
    func handleExpiry(now: UInt64) -> EngineEnd? {
        let status = unsafe ngtcp2_conn_handle_expiry(self.conn, now)
        return status == 0 ? nil : self.end(status)
    }

    /// The instant at which `handleExpiry` is due, `UInt64.max` for never.
    var expiry: UInt64 { unsafe ngtcp2_conn_get_expiry(self.conn) }

    /// Three probe timeouts, in which late packets of a closed connection may arrive (RFC 9000 §10.2); at most
    /// `longestClosingPeriod`, since a peer can make its round trip time appear long.
    var closingPeriod: UInt64 { unsafe min(3 * ngtcp2_conn_get_pto(self.conn), Self.longestClosingPeriod) }
    private static let longestClosingPeriod: UInt64 = 60_000_000_000

    // MARK: State

    /// The address of this side that ngtcp2 sends from: a server's is that of the handshake, without its port.
    var localAddress: DatagramAddress {
        unsafe DatagramAddress(ngtcp2_conn_get_path(self.conn).pointee.local)
    }

    /// Packets of this endpoint's connections that were authentic.
    var openedPackets: Int { unsafe self.context.expandedKeys.opened }

    var remoteAddress: DatagramAddress {
        unsafe DatagramAddress(ngtcp2_conn_get_path(self.conn).pointee.remote)
    }

    /// True if the peer's flow control allows more bytes on the connection.
    var hasConnectionCredit: Bool { unsafe ngtcp2_conn_get_max_data_left(self.conn) > 0 }

    /// Bytes that congestion control allows in one burst.
    var sendQuantum: Int { unsafe ngtcp2_conn_get_send_quantum(self.conn) }

    /// The congestion window, bytes.
    var congestionWindow: Int {
        var info = ngtcp2_conn_info()
        unsafe shim_conn_get_info(self.conn, &info)
        return Int(min(info.cwnd, 1 << 40))
    }

    /// The longest packet that the path is known to take, bytes.
    var pathMaximumPacket: Int { unsafe ngtcp2_conn_get_path_max_tx_udp_payload_size(self.conn) }

    /// The longest packet that may be written, probes of the path's MTU included, bytes.
    var maximumPacket: Int { unsafe ngtcp2_conn_get_max_tx_udp_payload_size(self.conn) }
}

/// A token of an Initial packet that proves the client's address; the octets are in the datagram.
@safe struct ValidatedToken {
    let octets: UnsafeRawBufferPointer
    /// The destination identifier of the client's first packet, if a Retry answered it.
    let original: QUICConnectionID?
}

/// Lends a path to ngtcp2, which copies what it keeps.
func withPath<Result>(
    _ local: DatagramAddress,
    _ remote: DatagramAddress,
    _ body: (UnsafeMutablePointer<ngtcp2_path>) throws -> Result
) rethrows -> Result {
    var local = local.raw
    var remote = remote.raw
    let localLength = socklen_t(DatagramAddress(local).length)
    let remoteLength = socklen_t(DatagramAddress(remote).length)
    return try unsafe withUnsafeMutablePointer(to: &local) { local in
        try unsafe withUnsafeMutablePointer(to: &remote) { remote in
            var path = unsafe ngtcp2_path(
                local: ngtcp2_addr(
                    addr: UnsafeMutableRawPointer(local).assumingMemoryBound(to: sockaddr.self),
                    addrlen: localLength
                ),
                remote: ngtcp2_addr(
                    addr: UnsafeMutableRawPointer(remote).assumingMemoryBound(to: sockaddr.self),
                    addrlen: remoteLength
                ),
                user_data: nil
            )
            return try unsafe body(&path)
        }
    }
}

extension DatagramAddress {
    init(_ address: ngtcp2_addr) {
        self.init()
        let count = unsafe min(Int(address.addrlen), MemoryLayout<datagram_address>.size)
        unsafe withUnsafeMutableBytes(of: &self.raw) { bytes in
            if let start = unsafe address.addr {
                unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: start, count: count))
            }
        }
    }
}

func engineErrorText(_ status: CInt) -> String {
    unsafe ngtcp2_strerror(status).map { unsafe String(cString: $0) } ?? "QUIC error \(status)"
}

extension Duration {
    /// The duration in nanoseconds; negative durations count as zero.
    var unsignedNanoseconds: UInt64 {
        let (seconds, attoseconds) = self.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max / 2 : min(whole, .max / 2) + UInt64(attoseconds / 1_000_000_000)
    }
}
