internal import CNgtcp2

/// The outcome of writing a packet.
enum EngineWrite {
    /// A packet of `count` bytes was written, with `accepted` bytes of the stream; `nil` if it has no bytes of the stream.
    case packet(count: Int, accepted: Int?)
    /// `accepted` bytes of the stream are in a packet that has room for more.
    case gathered(accepted: Int)
    /// There is nothing that may be sent now.
    case nothing
    /// The peer's flow control allows no more bytes of the stream.
    case streamBlocked
    /// The stream takes no more bytes.
    case streamShut
    case failed(EngineEnd)
}

extension Engine {
    /// Writes a packet of what has to be sent, and of bytes of the stream, if one is given, where room is left.
    ///
    /// - Parameter more: true if other streams may add to the packet; then only another `write` may follow.
    func write(
        _ stream: QUICStream?,
        more: Bool,
        into destination: UnsafeMutableRawBufferPointer,
        now: UInt64
    ) -> EngineWrite {
        var accepted: ngtcp2_ssize = -1
        var flags: UInt32 = more ? NGTCP2_WRITE_STREAM_FLAG_MORE : 0
        var vectorCount = 0
        if let stream {
            var finished = false
            unsafe (vectorCount, finished) = stream.outgoing.describeUnsent(
                self.context.vectors,
                room: destination.count
            )
            if finished { flags |= NGTCP2_WRITE_STREAM_FLAG_FIN }
        }
        let written = unsafe shim_conn_writev_stream(
            self.conn,
            &self.context.path.pointee.path,
            self.context.packetInfo,
            destination.baseAddress?.assumingMemoryBound(to: UInt8.self),
            destination.count,
            &accepted,
            flags,
            stream?.id ?? -1,
            self.context.vectors.baseAddress,
            vectorCount,
            now
        )
        switch CInt(truncatingIfNeeded: written) {
        case 0: return .nothing
        case 1...: return .packet(count: written, accepted: accepted < 0 ? nil : accepted)
        case NGTCP2_ERR_WRITE_MORE: return .gathered(accepted: max(0, accepted))
        case NGTCP2_ERR_STREAM_DATA_BLOCKED: return .streamBlocked
        case NGTCP2_ERR_STREAM_SHUT_WR, NGTCP2_ERR_STREAM_NOT_FOUND: return .streamShut
        case let status: return .failed(self.end(status))
        }
    }

    /// Tells congestion control that a burst was passed to the kernel.
    func didWriteBurst(now: UInt64) {
        unsafe ngtcp2_conn_update_pkt_tx_time(self.conn, now)
    }

    /// The path of the packet that was just written, the address of this side that the packet leaves from, and its ECN mark.
    var route: (path: ClientPath, source: DatagramAddress, ecn: UInt8) {
        let written = unsafe self.context.path.pointee.path
        let path = unsafe self.path(of: DatagramAddress(written.remote))
        return unsafe (
            path, path.local ?? DatagramAddress(written.local),
            UInt8(truncatingIfNeeded: self.context.packetInfo.pointee.ecn)
        )
    }

    /// Writes CONNECTION_CLOSE. Returns the packet's length, 0 for none.
    func writeClose(_ reason: QUICCloseReason, into destination: UnsafeMutableRawBufferPointer, now: UInt64) -> Int {
        var error = unsafe ngtcp2_ccerr()
        unsafe ngtcp2_ccerr_default(&error)
        let (text, set): (String, (UnsafePointer<UInt8>?, Int) -> Void)
        switch reason {
        case .application(_, let code, let reason):
            text = reason
            unsafe set = { unsafe ngtcp2_ccerr_set_application_error(&error, code, $0, $1) }
        case .transport(_, let code, let reason):
            text = reason
            unsafe set = { unsafe ngtcp2_ccerr_set_transport_error(&error, code, $0, $1) }
        default:
            return 0
        }
        let octets = Array(text.utf8.prefix(256))
        return unsafe octets.withUnsafeBufferPointer { bytes in
            unsafe set(bytes.baseAddress, bytes.count)
            return max(
                0,
                unsafe shim_conn_write_connection_close(
                    self.conn,
                    &self.context.path.pointee.path,
                    self.context.packetInfo,
                    destination.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    destination.count,
                    &error,
                    now
                )
            )
        }
    }
}
