internal import CNgtcp2

extension ngtcp2_settings {
    init(_ configuration: QUICConfiguration, now: UInt64) {
        unsafe self.init()
        unsafe shim_settings_default(&self)
        unsafe self.initial_ts = now
        unsafe self.cc_algo =
            switch configuration.congestionController {
            case .cubic: NGTCP2_CC_ALGO_CUBIC
            case .reno: NGTCP2_CC_ALGO_RENO
            case .bbr: NGTCP2_CC_ALGO_BBR
            }
        unsafe self.initial_rtt = configuration.initialRoundTripTime.unsignedNanoseconds
        unsafe self.handshake_timeout = configuration.handshakeTimeout.unsignedNanoseconds
        unsafe self.max_tx_udp_payload_size = configuration.maximumUDPPayload
        unsafe self.no_pmtud = configuration.discoversMTU ? 0 : 1
        unsafe self.max_stream_window = UInt64(
            max(configuration.streamReceiveWindow, configuration.maximumStreamReceiveWindow)
        )
    }
}

extension QUICConfiguration {
    /// The packet sizes that are probed on the path. The largest mostly passes, and no other is probed then; the two smaller
    /// ones of ngtcp2's defaults would cost a short connection a third of its packets.
    var probedSizes: [UInt16] {
        [self.maximumUDPPayload, 1_352].filter { $0 > 1_200 && $0 <= self.maximumUDPPayload }.map { UInt16($0) }
    }
}

extension ngtcp2_transport_params {
    /// The number of a peer's connection identifiers that are held (active_connection_id_limit).
    static let activeIdentifierLimit: UInt64 = 4

    init(_ configuration: QUICConfiguration) {
        unsafe self.init()
        unsafe shim_transport_params_default(&self)
        let window = UInt64(configuration.streamReceiveWindow)
        unsafe self.initial_max_stream_data_bidi_local = window
        unsafe self.initial_max_stream_data_bidi_remote = window
        unsafe self.initial_max_stream_data_uni = window
        unsafe self.initial_max_data = UInt64(configuration.connectionReceiveWindow)
        unsafe self.initial_max_streams_bidi = UInt64(configuration.bidirectionalStreams)
        unsafe self.initial_max_streams_uni = UInt64(configuration.unidirectionalStreams)
        unsafe self.max_idle_timeout = configuration.idleTimeout?.unsignedNanoseconds ?? 0
        unsafe self.max_udp_payload_size = UInt64(configuration.maximumUDPPayload)
        unsafe self.max_ack_delay = configuration.maximumAcknowledgementDelay.unsignedNanoseconds
        unsafe self.active_connection_id_limit = Self.activeIdentifierLimit
    }
}
