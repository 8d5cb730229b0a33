import Logging
import Metrics
import NIOCore

/// Reads the certificate files of listeners again when they change, and on request.
///
/// New connections get the new certificates, and open connections go on. Files that cannot be used change nothing, and are logged once.
struct CertificateWatch: Sendable {
    private let listeners: [(listener: any CertificateListener, files: CertificateFiles)]
    private let interval: TimeAmount
    private let logger: Logger

    /// Why files are looked at.
    enum Cause: Sendable {
        /// The interval is over: files that have changed are read.
        case time
        /// SIGHUP: all files are read, changed or not.
        case request
    }

    init(_ listeners: [any CertificateListener], interval: TimeAmount, logger: Logger) {
        self.listeners = listeners.compactMap { listener in listener.certificateFiles.map { (listener, $0) } }
        self.interval = interval
        self.logger = logger
    }

    /// Watches until its task is cancelled.
    func run(requests: AsyncStream<Void>) async {
        let (causes, continuation) = AsyncStream.makeStream(of: Cause.self, bufferingPolicy: .bufferingNewest(2))
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in requests { continuation.yield(.request) }
            }
            group.addTask {
                while (try? await Task.sleep(for: .nanoseconds(interval.nanoseconds))) != nil {
                    continuation.yield(.time)
                }
                continuation.finish()
            }
            await follow(causes)
            group.cancelAll()
        }
    }

    private func follow(_ causes: AsyncStream<Cause>) async {
        var known = listeners.map(\.files.stamps)
        for await cause in causes {
            for index in listeners.indices {
                let stamps = listeners[index].files.stamps
                guard cause == .request || stamps != known[index] else { continue }
                known[index] = stamps
                await reload(listeners[index].listener, listeners[index].files)
            }
        }
    }

    private func reload(_ listener: any CertificateListener, _ files: CertificateFiles) async {
        let dimensions = [("listener", listener.label)]
        do {
            try await listener.readCertificates(files)
            Counter(label: "martlet_certificate_reloads_total", dimensions: dimensions).increment()
            logger.notice("certificate read again", metadata: ["listener": "\(listener.label)"])
            for warning in files.warnings {
                logger.warning(
                    "certificate chain",
                    metadata: ["listener": "\(listener.label)", "warning": "\(warning)"]
                )
            }
        } catch {
            Counter(label: "martlet_certificate_reload_failures_total", dimensions: dimensions).increment()
            logger.error(
                "certificate not read again; the one before stays",
                metadata: ["listener": "\(listener.label)", "error": "\(error)"]
            )
        }
    }
}
