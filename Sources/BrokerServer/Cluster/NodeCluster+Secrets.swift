import BrokerCluster
import Logging
import NIOCore
import NIOPosix
import QUICTransport

// The cluster's secrets, of which all keys are made.
extension NodeCluster {
    /// How often the file of secrets is read again.
    static let secretInterval = TimeAmount.seconds(2)

    /// The QUIC listeners and the relay are there: they are given keys from here on, on all loops.
    func useKeys(_ body: @escaping @Sendable (KeyRing) -> EventLoopFuture<Void>) {
        onRing = body
        giveKeys()
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        timers.append(
            eventLoop.scheduleRepeatedTask(initialDelay: Self.secretInterval, delay: Self.secretInterval) { _ in
                loopBound.value.readSecrets()
            }
        )
    }

    /// Gives all loops the keys of the secrets that are known, and then tells the other nodes that this one knows them.
    private func giveKeys() {
        guard let onRing else { return }
        let fingerprints = rotation.fingerprints
        onRing(rotation.ring).hop(to: eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success: self.membership?.tell(secrets: fingerprints)
            case .failure(let error):
                self.logger.error("the keys of the cluster's secret cannot be used", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func readSecrets() {
        guard let path = configuration.secretFile else { return }
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            try NodeSecret.readAll(path, key: "cluster.secret_file")
        }.whenComplete { loopBound.value.read($0) }
    }

    private func read(_ result: Result<[[UInt8]], any Error>) {
        switch result {
        case .failure(let error):
            if secretTrouble != "\(error)" {
                secretTrouble = "\(error)"
                logger.error("the cluster's secrets stay as they are", metadata: ["reason": "\(error)"])
            }
        case .success(let secrets):
            secretTrouble = nil
            if rotation.learn(secrets) {
                logger.notice("the cluster's secrets are read again", metadata: ["secrets": "\(secrets.count)"])
                giveKeys()
            }
            guard rotation.choose(isKnownToAll: { membership?.isKnownToAll(secret: $0) ?? false }) else { return }
            logger.notice("all nodes know a newer secret of the cluster, which is used from now on")
            giveKeys()
        }
    }
}
