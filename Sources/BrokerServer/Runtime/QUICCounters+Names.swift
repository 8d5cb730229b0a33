import QUICTransport

extension QUICCounters {
    /// Each counter with the name of its metric.
    var named: [(name: String, value: Int)] {
        [
            ("datagrams_in", datagramsIn),
            ("bytes_in", bytesIn),
            ("datagrams_out", datagramsOut),
            ("bytes_out", bytesOut),
            ("send_calls", sendCalls),
            ("sends_blocked", sendsBlocked),
            ("send_failures", sendFailures),
            ("datagrams_too_long", datagramsTooLong),
            ("handshakes_started", handshakesStarted),
            ("handshakes_completed", handshakesCompleted),
            ("handshakes_failed", handshakesFailed),
            ("connections_closed", connectionsClosed),
            ("resets_sent", resetsSent),
            ("resets_received", resetsReceived),
            ("version_negotiations_sent", versionNegotiationsSent),
            ("address_changes", addressChanges),
            ("path_validations_failed", pathValidationsFailed),
            ("sockets_replaced", socketsReplaced),
            ("tossed_out", tossedOut),
            ("tossed_in", tossedIn),
            ("steerings_attached", steeringsAttached),
            ("steerings_refused", steeringsRefused),
            ("retries_sent", retriesSent),
            ("tokens_valid", tokensValid),
            ("tokens_invalid", tokensInvalid),
            ("new_tokens_sent", newTokensSent),
            ("dropped_unanswerable_source", dropped.unanswerableSource),
            ("dropped_malformed", dropped.malformed),
            ("dropped_unexpected_long_header", dropped.unexpectedLongHeader),
            ("dropped_unknown_connection", dropped.unknownConnection),
            ("dropped_forged_initial", dropped.forgedInitial),
            ("dropped_too_many_handshakes", dropped.tooManyHandshakes),
            ("dropped_too_many_connections", dropped.tooManyConnections),
            ("dropped_too_many_connects", dropped.tooManyConnects),
            ("dropped_too_many_addresses", dropped.tooManyAddresses),
            ("dropped_stateless_limit", dropped.statelessLimit),
            ("dropped_closed_connection", dropped.closedConnection),
            ("dropped_toss_limit", dropped.tossLimit),
            ("dropped_retry_limit", dropped.retryLimit),
        ]
    }
}
