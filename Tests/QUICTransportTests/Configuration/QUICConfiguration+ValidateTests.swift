import Testing

@testable import QUICTransport

/// Configurations that are refused.
@Suite struct QUICConfigurationValidateTests {
    @Test func configurationsAreChecked() throws {
        let good = try Scene.serverConfiguration()
        try good.validate()
        for spoil: (inout QUICServerConfiguration) -> Void in [
            { $0.identifiers.rotation = 7 },
            { $0.identifiers.otherSecrets = [0: [UInt8](repeating: 1, count: 32)] },
            { $0.identifiers.otherSecrets = [7: [UInt8](repeating: 1, count: 32)] },
            { $0.identifiers.otherSecrets = [1: [1]] },
            { $0.staticSecret = [1] },
            { $0.retry.load = 1.5 },
            { $0.retry.tokenLifetime = .zero },
        ] {
            var configuration = good
            spoil(&configuration)
            #expect(throws: QUICError.self) { try configuration.validate() }
        }
    }

    @Test func configurationErrorsSayWhatIsAllowed() async throws {
        try await Scene.run { scene in
            do {
                _ = try await scene.listen(configure: { $0.staticSecret = [1] })
                Issue.record("accepted")
            } catch QUICError.configuration(let text) {
                #expect(text == "octets of staticSecret must be 32, not 1")
            }
            do {
                _ = try await scene.listen(configure: { $0.common.streamReceiveWindow = 0 })
                Issue.record("accepted")
            } catch QUICError.configuration(let text) {
                #expect(text == "streamReceiveWindow must be 1 to \(1 << 30), not 0")
            }
        }
    }

    @Test func lifetimesOfTicketsAreChecked() async throws {
        try await Scene.run { scene in
            let short = EarlyDataStore(window: .seconds(100))
            let wrong = [
                QUICServerResumption(keys: TicketKeys(lifetime: .seconds(51)), earlyData: short),
                QUICServerResumption(keys: TicketKeys(lifetime: .zero), earlyData: nil),
                QUICServerResumption(keys: TicketKeys(lifetime: .seconds(86_401)), earlyData: nil),
            ]
            for resumption in wrong {
                await #expect(throws: QUICError.self) {
                    _ = try await scene.listen(configure: { $0.resumption = resumption })
                }
            }
        }
    }
}
