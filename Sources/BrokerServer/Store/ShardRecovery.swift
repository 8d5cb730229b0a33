import Logging
import MQTTBroker
import NIOCore
import NIOPosix

extension ShardGroup {
    /// Gives the shards what earlier runs have committed, then lets them commit.
    ///
    /// - Throws: what the store throws, or `LaneBatchError.newerVersion`.
    func open(_ store: any CommitStore, logger: Logger) async throws {
        try await NIOThreadPool.singleton.runIfActive {
            try store.recover { octets in
                // The loops restore their lanes side by side.
                for future in self.onEach({ try $0.restore(octets) }) { try future.wait() }
            }
        }
        try await removeNeedlessSegments(of: store)
        for shard in 0..<count {
            try store.connect { [weak self] event in self?.tell(event, at: shard) }
        }
        try await onEachLoop { $0.finishRecovery(store) }
        // What the shards tell each other of their subscriptions arrives before anything is routed.
        for _ in 0..<2 { try await onEachLoop { _ in } }
        try await onEachLoop { $0.handOverRestored() }
        var quarantined = 0
        for lanes in onEach({ $0.shard.quarantinedLanes }) { quarantined += try await lanes.get() }
        if quarantined > 0 {
            logger.error(
                "store",
                metadata: [
                    "state": "quarantine",
                    "detail":
                        """
                    \(quarantined) of \(Lane.count) parts of the store are damaged: their sessions and retained messages are not \
                    served, messages for them are refused, and nothing is deleted; end the broker, and let \
                    `martlet store check --salvage FILE` write what is readable into a new store
                    """,
                ]
            )
        }
    }

    /// Deletes the segments of queues that no session has, unless a damaged lane may.
    private func removeNeedlessSegments(of store: any CommitStore) async throws {
        var needed: Set<UInt64> = []
        for numbers in onEach({ $0.shard.neededSegments }) {
            guard let numbers = try await numbers.get() else { return }
            needed.formUnion(numbers)
        }
        try await NIOThreadPool.singleton.runIfActive { [needed] in try store.removeSegments(except: needed) }
    }

    /// Waits until everything is committed that the shards have to commit, for at most `timeout`.
    func finishCommits(within timeout: TimeAmount) async throws {
        let end = NIODeadline.now() + timeout
        while NIODeadline.now() < end {
            let busy = onEach { $0.hasUncommitted }
            var isBusy = false
            for future in busy where try await future.get() { isBusy = true }
            if !isBusy { return }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
