import ArgumentParser
import BrokerAdmin
import BrokerConfiguration
import BrokerServer
import Foundation
import LoadGenerator
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// `martlet serve`: runs a broker until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run a broker.",
        discussion: """
            Without --config and --set it listens on this machine only: MQTT over TCP on 127.0.0.1:1883 and over QUIC on 127.0.0.1:14567.

            Examples:
              martlet serve --config martlet.conf
              martlet serve --set listeners.quic.default.bind=0.0.0.0:14567 --set node.loops=2

            Keys may also be set by the environment: MARTLET_LISTENERS__QUIC__DEFAULT__BIND=0.0.0.0:14567
            (variables that begin with EMQX_ work as well)
            """
    )

    @Option(name: [.customShort("c"), .long], help: "The configuration, a HOCON file.")
    var config: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A key that overrides the file and the environment; may be repeated.",
            valueName: "key=value"
        )
    )
    var set: [String] = []

    @Flag(
        name: .long,
        help: "Only check the configuration: exit code 0, or 2 and a list of all errors."
    )
    var check = false

    @Flag(name: .long, help: "Only print the configuration in force, with the source of each value.")
    var printConfig = false

    /// Exit code where the configuration is wrong.
    private static let wrongConfiguration = ExitCode(2)

    func run() async throws {
        let loaded = try load()
        if printConfig {
            Terminal.print(loaded.text)
            return
        }
        for notice in loaded.notices { Terminal.note("warning: \(notice)") }
        if !loaded.keysWithoutEffect.isEmpty {
            Terminal.note("keys without effect: \(loaded.keysWithoutEffect.joined(separator: ", "))")
        }
        let plan = try plan(loaded.configuration)
        let administration = try administration(plan)
        if check { return }
        if config == nil {
            let isLocal = loaded.configuration.listeners.all.allSatisfy { !$0.isEnabled || $0.bind.isLoopback }
            Terminal.note("no configuration file\(isLocal ? ": listening on this machine only" : "") (see --config)")
        }
        var configuration = try configuration(plan)
        configuration.descriptorLimit = DescriptorLimit.raiseToHardLimit()
        let (limits, control, logger) = (plan.limits, plan.controlSocket, plan.logger)
        let runtime = RuntimeConfiguration(loaded, limits: limits, logger: logger)
        configuration.liveSettings = { await runtime.settings(with: $0) }
        try await serve(configuration, runtime, control: control, administration, logger: logger)
    }

    func validate() throws { _ = try overrides }

    /// The values of `--set`, by key.
    private var overrides: [String: String] {
        get throws {
            var overrides: [String: String] = [:]
            for setting in set {
                guard let equals = setting.firstIndex(of: "=") else {
                    // Without what follows the key, which may be a secret.
                    let key = setting.prefix { $0.isLetter || $0.isNumber || "._-".contains($0) }
                    throw ValidationError("--set \(key): expected a key and a value, such as --set node.loops=2")
                }
                overrides[String(setting[..<equals])] = String(setting[setting.index(after: equals)...])
            }
            return overrides
        }
    }

    private func load() throws -> sending LoadedConfiguration<ServerSettings> {
        let overrides = try overrides
        do {
            return try ConfigurationSources(
                file: config,
                environment: ProcessInfo.processInfo.environment,
                settings: overrides
            ).load(over: config == nil ? .withoutFile : ServerSettings(), by: ServerSettings.section)
        } catch {
            throw refusal("\(error)")
        }
    }

    private func plan(_ settings: ServerSettings) throws -> ServerPlan {
        do { return try ServerPlan(settings) } catch { throw refusal("\(error)") }
    }

    private func configuration(_ plan: ServerPlan) throws -> BrokerServerConfiguration {
        do { return try plan.serverConfiguration() } catch { throw refusal("\(error)") }
    }

    private func administration(_ plan: ServerPlan) throws -> Administration.Plan? {
        do { return try plan.administration } catch { throw refusal("\(error)") }
    }

    private func refusal(_ text: String) -> ExitCode {
        Terminal.note(text)
        return Self.wrongConfiguration
    }

    /// - Parameter control: the path of the control socket.
    private func serve(
        _ configuration: BrokerServerConfiguration,
        _ runtime: RuntimeConfiguration,
        control: String,
        _ plan: Administration.Plan?,
        logger: Logger
    ) async throws {
        // The control socket and the listener for administrators are the only users of this group.
        NIOSingletons.groupLoopCountSuggestion = 1
        // What the broker makes is its user's only, the control socket from the moment that it exists.
        umask(0o077)
        let (serving, serves) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let server = BrokerServer(configuration, logger: logger) { listening in
            for listener in listening {
                Terminal.print("listening \(listener.transport) \(listener.name) \(listener.address.hostAndPort)")
            }
            Terminal.print("martlet is ready")
            serves.yield()
        }
        let administration = await Administration(plan, server, serving: serving, logger: logger)
        let controlServer = ControlServer(
            path: control,
            source: server.observer,
            configuration: RuntimeDesk(runtime, server.meta),
            operations: administration.operations,
            logger: logger
        )
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: controlServer),
        ]
        if let admin = administration.server { services.append(.init(service: admin)) }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        let hangUps = Task {
            for await _ in await UnixSignalsSequence(trapping: .sighup) { server.reloadCertificates() }
        }
        defer { hangUps.cancel() }
        do {
            try await group.run()
        } catch {
            Terminal.note("\(error)")
            throw ExitCode.failure
        }
    }
}

extension BrokerObserver: ControlSource, ClientSource {}
