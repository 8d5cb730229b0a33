internal import CNgtcp2

extension Engine {
    /// Opens a stream.
    ///
    /// - Throws: `.streamLimitReached` if the peer allows no further stream for now.
    func openBidirectionalStream(_ make: (Int64) -> QUICStream) throws(QUICError) -> QUICStream {
        var id: Int64 = -1
        let status = unsafe ngtcp2_conn_open_bidi_stream(self.conn, &id, nil)
        guard status == 0 else {
            throw status == NGTCP2_ERR_STREAM_ID_BLOCKED ? .streamLimitReached : .engine(engineErrorText(status))
        }
        let stream = make(id)
        unsafe ngtcp2_conn_set_stream_user_data(self.conn, id, Unmanaged.passUnretained(stream).toOpaque())
        return stream
    }

    /// Opens a stream of rejected early data again. False if the server does not allow as many streams any more.
    func reopen(_ stream: QUICStream) -> Bool {
        var id: Int64 = -1
        let user = unsafe Unmanaged.passUnretained(stream).toOpaque()
        return unsafe ngtcp2_conn_open_bidi_stream(self.conn, &id, user) == 0 && id == stream.id
    }

    /// Lets the peer open another stream after one of its streams has closed.
    func allowAnotherStream(like id: Int64) {
        guard unsafe ngtcp2_conn_is_local_stream(self.conn, id) == 0 else { return }
        if id & 2 == 0 {
            unsafe ngtcp2_conn_extend_max_streams_bidi(self.conn, 1)
        } else {
            unsafe ngtcp2_conn_extend_max_streams_uni(self.conn, 1)
        }
    }

    /// Lets the peer send more bytes on a stream and on the connection.
    func credit(_ count: Int, on id: Int64) {
        unsafe ngtcp2_conn_extend_max_stream_offset(self.conn, id, UInt64(count))
        unsafe ngtcp2_conn_extend_max_offset(self.conn, UInt64(count))
    }

    /// Credits bytes of a closed stream to the connection.
    func creditConnection(_ count: Int) {
        unsafe ngtcp2_conn_extend_max_offset(self.conn, UInt64(count))
    }

    func resetStream(_ id: Int64, code: UInt64) {
        unsafe ngtcp2_conn_shutdown_stream_write(self.conn, 0, id, code)
    }

    func stopSending(_ id: Int64, code: UInt64) {
        unsafe ngtcp2_conn_shutdown_stream_read(self.conn, 0, id, code)
    }

    /// True if the peer has sent STOP_SENDING for a stream whose sending side is open.
    func isStopped(_ id: Int64) -> Bool {
        unsafe shim_conn_is_stream_write_shut(self.conn, id) != 0
    }

    // MARK: Migration

    /// Migrates to another local address (RFC 9000 §9.2). False if the peer or the state does not allow it.
    func migrate(to local: DatagramAddress, now: UInt64) -> Bool {
        unsafe withPath(local, self.remoteAddress) { path in
            unsafe ngtcp2_conn_initiate_immediate_migration(self.conn, path, now) == 0
        }
    }

    /// Goes on at another address of the server. False if the state does not allow it.
    func change(remote: DatagramAddress, now: UInt64) -> Bool {
        // ngtcp2 takes no other path from the same local address. The socket knows better.
        var local = self.localAddress
        local.port ^= 1
        return unsafe withPath(local, remote) { path in
            unsafe ngtcp2_conn_initiate_immediate_migration(self.conn, path, now) == 0
        }
    }
}
