import CertificateFixture
import Foundation
import MQTTClient
import QUICTransport
import Testing

@testable import LoadGenerator

/// `--quic FILE.eterm`, with the names of emqtt_bench's QUIC library, quicer.
@Suite("Files of QUIC options")
struct QUICOptionsTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "options-\(UUID().uuidString)")

    private func read(_ text: String) throws -> QUICOptions {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let pair = try CertificatePair.shared.get()
        try Data(pair.certificate).write(to: folder.appending(path: "cert.pem"))
        try Data(pair.key).write(to: folder.appending(path: "key.pem"))
        let path = folder.appending(path: "o.eterm").path
        try text.replacing("FOLDER", with: folder.path).write(toFile: path, atomically: true, encoding: .utf8)
        do throws(UsageError) {
            return try QUICOptions(path: path)
        } catch {
            throw UsageError(error.description.replacing(folder.path + "/", with: ""))
        }
    }

    private func notes(_ options: QUICOptions) -> [String] {
        options.notes.map { $0.replacing(folder.path + "/", with: "") }
    }

    @Test("What has a meaning is used") func meaning() throws {
        let options = try read(
            """
            %% as for emqtt_bench
            {[{alpn, ["mqtt-next", "mqtt"]}, {idle_timeout_ms, 30000}, {handshake_idle_timeout_ms, 5000},
              {keep_alive_interval_ms, 0}, {initial_rtt_ms, 50}, {max_ack_delay_ms, 10},
              {stream_recv_window_default, 2097152}, {conn_flow_control_window, 33554432}, {maximum_mtu, 1400},
              {pacing_enabled, 0}, {congestion_control_algorithm, 1}, {verify, verify_peer},
              {cacertfile, "FOLDER/cert.pem"}, {certfile, "FOLDER/cert.pem"}, {keyfile, <<"FOLDER/key.pem">>},
              {password, "open sesame"}],
             []}.
            """
        )
        var expected = QUICConfiguration.client
        expected.alpn = "mqtt-next"
        expected.idleTimeout = .seconds(30)
        expected.handshakeTimeout = .seconds(5)
        expected.keepAliveInterval = nil
        expected.initialRoundTripTime = .milliseconds(50)
        expected.maximumAcknowledgementDelay = .milliseconds(10)
        expected.streamReceiveWindow = 2_097_152
        expected.connectionReceiveWindow = 33_554_432
        expected.maximumUDPPayload = 1_352
        expected.pacesPackets = false
        expected.congestionController = .bbr
        #expect(options.settings == expected)
        let pair = try CertificatePair.shared.get()
        #expect(options.trust == .authorities(pem: pair.certificate))
        #expect(
            options.identity
                == QUICIdentity(certificateChain: pair.certificate, privateKey: pair.key, password: "open sesame")
        )
        #expect(options.notes.isEmpty)
    }

    @Test(
        "An empty file of options changes nothing",
        arguments: ["{[], []}.", "{#{}, #{}}.", "{[{verify, none}], []}."]
    )
    func nothing(text: String) throws {
        let options = try read(text)
        #expect(options.settings == .client)
        #expect(options.trust == .insecure)
        #expect(options.identity == nil)
        #expect(options.notes.isEmpty)
    }

    @Test("What has none is said") func meaningless() throws {
        let options = try read(
            """
            {[{peer_bidi_stream_count, 3}, {nst, <<1, 2>>}, {send_idle_timeout_ms, 5}, {idle_timeout, 5}, {handle, h}],
             [{active, true}, {priority, 10}]}.
            """
        )
        #expect(options.settings == .client)
        #expect(
            notes(options) == [
                "--quic o.eterm: handle has no meaning here: --load-qst says what sessions are resumed with",
                "--quic o.eterm: idle_timeout has no meaning here: it is not known",
                "--quic o.eterm: nst has no meaning here: --load-qst says what sessions are resumed with",
                "--quic o.eterm: peer_bidi_stream_count has no meaning here: the client opens the streams, as many as the "
                    + "server allows",
                "--quic o.eterm: send_idle_timeout_ms has no meaning here: it tunes another QUIC stack",
                "--quic o.eterm: the stream option active has no meaning here: it is for programs in Erlang",
                "--quic o.eterm: the stream option priority has no meaning here: a file of topics says it for data streams",
            ]
        )
    }

    @Test(
        "Mistakes name the file, the option and what is allowed",
        arguments: [
            ("{[], []}", "line 1: expected a full stop after the term"),
            ("[].", "holds something else than one tuple {ConnOpts, StreamOpts} of property lists"),
            ("{[], []}. {[], []}.", "holds something else than one tuple {ConnOpts, StreamOpts} of property lists"),
            ("{[{a,b,c}], []}.", "holds something else than one tuple {ConnOpts, StreamOpts} of property lists"),
            ("{[{idle_timeout_ms, -1}], []}.", "bad value -1 for idle_timeout_ms: a whole number up to 4294967295"),
            ("{[{pacing_enabled, \"no\"}], []}.", "bad value \"no\" for pacing_enabled: 0 or false or 1 or true"),
            (
                "{[{congestion_control_algorithm, 7}], []}.",
                "bad value 7 for congestion_control_algorithm: 0 or cubic or 1 or bbr"
            ),
            ("{[{alpn, [mqtt]}], []}.", "bad value [mqtt] for alpn: a list of texts, one at least"),
            ("{[{certfile, \"FOLDER/cert.pem\"}], []}.", "certfile and keyfile belong together"),
            ("{[{cacertfile, \"FOLDER/none.pem\"}], []}.", "cacertfile: cannot read none.pem"),
            ("{[{maximum_mtu, 900}], []}.", "maximumUDPPayload must be 1200 to 65527, not 852"),
        ]
    )
    func mistakes(text: String, message: String) {
        #expect {
            _ = try read(text)
        } throws: { error in
            "\(error)".hasPrefix("--quic o.eterm: ") && "\(error)".hasSuffix(message)
        }
    }

    @Test("The command line names the file, and has the last word") func commandLine() throws {
        let options = try BenchOptions(.conn, ["--quic", "o.eterm", "-c", "1"])
        #expect(options.isQUIC)
        #expect(options.quicPath == "o.eterm")
        #expect(throws: UsageError("--quic o.eterm: cannot be read")) { try LoadPlan(options) }
        #expect(try BenchOptions(.conn, ["--quic=false"]).quicPath == nil)
        #expect(try BenchOptions(.pair, ["--quic", "o.eterm"]).quicPath == "o.eterm")

        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "o.eterm").path
        try "{[{congestion_control_algorithm, bbr}, {idle_timeout_ms, 5}], [{active, 10}]}.".write(
            toFile: path,
            atomically: true,
            encoding: .utf8
        )
        let words = ["-h", "127.0.0.1", "--quic", path]
        let plan = try LoadPlan(BenchOptions(.conn, words))
        #expect(plan.target(0).quic.congestionController == .bbr)
        #expect(plan.target(0).quic.idleTimeout == .milliseconds(5))
        #expect(plan.notes.count == 1)
        let other = try LoadPlan(BenchOptions(.conn, words + ["--congestion", "reno"]))
        #expect(other.target(0).quic.congestionController == .reno)
    }
}
