/// A session on its way from one shard to another.
struct SessionState: Sendable {
    let outgoing: Session.Outgoing
    let awaitingRelease: Set<UInt16>
    let orphans: OrphanedIdentifiers
    let expiryInterval: UInt32
    let delayedWill: Session.DelayedWill?
}
