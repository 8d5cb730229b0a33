import BrokerConfiguration
import Testing

@testable import martlet

/// `--print-config` shows what is in force and where it comes from, and can be read back.
@Suite struct PrintedConfigurationTests {
    static let everything = """
        node {
          data_dir = "/var/lib/martlet", loops = 4, name = "edge \\"1\\"", early_data_capacity = 5
          number = 7, secret_file = "shared", secret_rotation = 1, other_secrets = { rotation = 0, file = "old" }
        }
        listeners.tcp.default { bind = 1883, max_connections = 100, max_conn_rate = "50/10s", max_conn_burst = 7 }
        listeners.tcp.spare { enable = false, bind = "[::]:1884" }
        listeners.ssl.default {
          bind = 8883, max_connections = 50, max_conn_rate = "5/s", max_conn_burst = 9
          ssl_options {
            certfile = "c.pem", keyfile = "k.pem"
            cacertfile = "a.pem", verify = verify_peer, fail_if_no_peer_cert = true
          }
        }
        listeners.quic.default {
          bind = "0.0.0.0:14567"
          idle_timeout = 30s, handshake_idle_timeout_ms = 5000, keep_alive_interval_ms = 20s, fold_delay = 7s
          peer_bidi_stream_count = 100, peer_unidi_stream_count = 0, stream_recv_window_default = 131072
          conn_flow_control_window = 1048576, initial_rtt_ms = 100, max_ack_delay_ms = 5, maximum_mtu = 9000
          max_conn_rate = "100/m", max_conn_burst = 20, max_handshakes = 10, stateless_packet_rate = 5
          new_address_burst = 9, new_address_interval = 1m
          congestion_control = bbr, pacing_enabled = false, ecn_enabled = false, mtu_discovery_enabled = false
          udp_options { recbuf = 1MB, sndbuf = 2MB, gso = false, gro = false, batch = 8 }
          connection_id { mode = aws, server_id = "0x0123456789abcdef" }, kernel_steering = false
          retry { mode = always, load = 50, token_lifetime = 5s, new_token_lifetime = 1h, max_rate = 100 }
          max_tossed_bytes = 1MB, preferred_address = ["192.0.2.1:30001", "[2001:db8::1]:30001"]
          server_resumption_level = 1, early_data = connect, session_ticket_lifetime = 10m, sslkeylogfile = "keys.log"
          max_handshake_size = 32KB, max_stream_gaps = 2000
          ssl_options {
            certfile = "c.pem", keyfile = "k.pem", verify = verify_peer, cacertfile = "ca.pem"
            ciphers = [TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256]
          }
        }
        cluster {
          engine = nats, name = fleet, servers = ["tls://nats-0:4223", "tls://[fd00::1]"], username = u
          password_file = "nats-password", certfile = "nats.pem", keyfile = "nats-key.pem"
          cacertfile = "ca.pem", secret_file = "cluster-secret", dead_after = 20s, max_message = 32MB
          relay { bind = "10.0.0.1:14569", advertise = "192.0.2.1:14570" }, discovery_strategy = static
          rebalance {
            enable = false, abs_conn_threshold = 50, rel_conn_threshold = 1.5, conn_evict_rate = 20
          }
        }
        store { engine = memory, path = "s", max_bytes = 1GB, queue_memory = 64MB, max_delay = 5ms }
        mqtt {
          idle_timeout = infinity, max_packet_size = 512KB, max_clientid_len = 128, max_topic_levels = 16
          max_topic_alias = 10, max_qos_allowed = 1, retain_available = false, wildcard_subscription = false
          server_keepalive = 60, keepalive_multiplier = 2, session_expiry_interval = 1h30m
          max_session_expiry_interval = 1d, max_inflight = 10, max_mqueue_len = infinity, max_mqueue_bytes = infinity
          peer_cert_as_username = cn, peer_cert_as_clientid = dn
          peer_cert_field_required = false
          mqueue_store_qos0 = false, max_awaiting_rel = infinity, max_subscriptions = 7
        }
        retainer { max_payload_size = 1000, backend.max_retained_messages = 5 }
        authentication = [
          { mechanism = password_based, backend = built_in_database, bootstrap_file = "users.csv" }
          {
            enable = false, mechanism = password_based, backend = built_in_database, user_id_type = clientid
            bootstrap_file = "users.json", bootstrap_type = hash
            password_hash_algorithm { name = pbkdf2, mac_fun = sha512, iterations = 1000, dk_length = 32 }
          }
        ]
        allow_anonymous = true
        dashboard {
          listeners.http { bind = 18083, max_connections = 9 }, default_username = root, token_expired_time = 5m
        }
        api_key.bootstrap_file = "keys"
        log.console.level = debug

        """

    @Test(arguments: [nil, "", SeedTests.block, everything])
    func isReadBackAsTheSameConfiguration(text: String?) throws {
        let first = try load(text)
        let second = try load(first.text)
        #expect(second.values == first.values)
        // And so once more, with the places.
        #expect(try load(second.text).text == second.text)
    }

    /// Keys that take the place of others.
    private static let alternatives = ["token_file", "nkey_file", "credentials_file"]

    @Test(arguments: ["token_file = t", "nkey_file = n", "credentials_file = c"]) func alternativesArePrinted(
        key: String
    ) throws {
        let text = "cluster { engine = nats, servers = [a], secret_file = s, \(key) }"
        #expect(try load(text).text.contains("cluster.\(key.split(separator: " ")[0]) = "))
    }

    /// The text above gives every key another value than its default, and each is printed with it.
    @Test func everyKeyIsReadAndPrinted() throws {
        let printed = try load(Self.everything).text
        for key in ServerSettings.section.describe(ServerSettings()) {
            guard case .value = key.kind, !key.allowed.hasPrefix("as ") else { continue }
            let name = key.key.split(separator: ".").last.map(String.init) ?? ""
            if name.hasSuffix("password") || Self.alternatives.contains(name) { continue }
            #expect(printed.contains("\(name) = "), "\(key.key) is not printed")
        }
        let unchanged = printed.split(separator: "\n").filter { $0.hasSuffix("# default") }.map {
            String($0.prefix { $0 != " " })
        }
        // Not those of listeners, of which there are two, nor of elements of lists.
        #expect(unchanged.filter { !$0.isEmpty && !$0.hasPrefix("listeners.") } == [])
    }

    @Test func thePasswordOfTheFirstUserIsHidden() throws {
        let text = try load("dashboard.default_password = \"open sesame 1\"").text
        #expect(!text.contains("sesame"))
        #expect(text.contains("# dashboard.default_password is hidden"))
    }

    @Test func passwordsAreHidden() throws {
        let loaded = try load("listeners.quic.default.ssl_options.password = \"open sesame\"")
        #expect(loaded.configuration.listeners.quic["default"]?.options.certificate.password == "open sesame")
        #expect(!loaded.text.contains("sesame"))
        #expect(loaded.text.contains("# listeners.quic.default.ssl_options.password is hidden"))
    }
}
