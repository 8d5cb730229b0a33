import BrokerCluster
import NIOCore

/// A node of a simulated cluster: its data folder, its links, and the process, if there is one.
final class SimulatedNode {
    let index: Int
    let token: String
    let number: Int?
    /// What its clock says at the start of the simulation, and by how much it is too fast.
    let clock: (offset: UInt64, rate: Double)

    /// The data folder.
    var earlierNumber: Int?
    var counter: UInt64

    /// The process.
    var membership: Membership?
    var life = 0
    var isPaused = false
    /// What came while it was paused.
    var waiting: [(inout Membership, NIODeadline) -> Void] = []
    /// Others counted its run dead while it was paused: it must find that out before anything else.
    var mustBeIsolated = false
    /// What it knows by the events that it was told.
    var known: [Int: Member] = [:]
    var suspected: Set<Int> = []
    /// Until when it may act as one that nobody suspects.
    var leaseEnd = NIODeadline.distantPast

    /// The links.
    var canSend = true
    var canReceive = true
    var cutSince: Int?
    /// True while NATS knows its subscriptions.
    var isRegistered = false
    /// Nodes whose heartbeats do not come here.
    var deafTo: Set<Int> = []

    init(index: Int, number: Int?, clock: (offset: UInt64, rate: Double)) {
        self.index = index
        self.number = number
        self.clock = clock
        token = "folder-\(index)"
        counter = UInt64(index * 10)
    }

    func time(_ milliseconds: Int) -> NIODeadline {
        .uptimeNanoseconds(clock.offset + UInt64(Double(milliseconds) * 1_000_000 * clock.rate))
    }

    var isReachable: Bool { canSend && canReceive }
}
