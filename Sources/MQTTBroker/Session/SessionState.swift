/// A session on its way from one shard to another.
struct SessionState: Sendable {
    let window: DeliveryWindow
    let queue: MessageQueue
    let retainedBacklog: MessageQueue
    let awaitingRelease: Set<UInt16>
    let orphans: OrphanedIdentifiers
    let expiryInterval: UInt32
    let delayedWill: Session.DelayedWill?
}
