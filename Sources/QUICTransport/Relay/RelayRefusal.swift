/// Why a frame is not sent, or not acted upon. Each reason has its own counter.
package enum RelayRefusal: Int, Error, CaseIterable, Sendable {
    /// Shorter than a frame around one octet.
    case tooShort
    /// Longer than any frame, or a datagram beyond what fits into a frame on the network between the nodes.
    case tooLong
    /// No frame of a version and a kind that this node knows.
    case foreign
    /// Fields that contradict each other or the kind of frame.
    case malformed
    /// Would be relayed again: a frame in a frame, one that has more than one hop before it, or a datagram that already
    /// came by the relay.
    case looping
    /// Sent by this node itself.
    case reflected
    /// For another node.
    case misaddressed
    /// For another run of this node.
    case otherRun
    /// From a node, or a run of one, that is no member.
    case stranger
    /// From an earlier run of a member.
    case superseded
    /// Sealed by the key of a secret that this node does not have.
    case unknownKey
    /// Received before.
    case replayed
    /// So old that it cannot be told whether it was received before.
    case outOfWindow
    /// Not authentic.
    case forged
    /// An answer to an address from which nothing was forwarded to its sender lately.
    case unknownAddress
    /// From a client that cannot be answered, or only at the node that its datagram has reached.
    case unanswerable
    /// The sender has used up its numbers.
    case exhausted
    /// A stray from addresses that no owner has answered yet, beyond the share of its host.
    case rationed
    /// A stray for a run that is no member, and not known to be over.
    case unknownOwner
    /// A stray for a member that is suspected to be gone.
    case suspectedOwner
    /// For a listener or a loop that this node does not have.
    case unknownListener
    /// This node is no member itself, and acts for nobody.
    case isolated
    /// Beyond what may wait for a loop.
    case crowded
    /// The kernel has not taken the frame, or the answer in it.
    case unsent
}

extension RelayRefusal {
    /// The reason in a metric's name, such as `out_of_window`.
    package var name: String {
        "\(self)".reduce(into: "") { name, letter in
            name += letter.isUppercase ? "_\(letter.lowercased())" : "\(letter)"
        }
    }
}

/// Counts of one side of the relay since it was made.
package struct RelayCounters: Sendable, Equatable {
    /// Frames that were sealed, by kind.
    package var forwardsOut = 0
    package var answersOut = 0
    package var beatsOut = 0
    /// Frames that were authentic and new, by kind.
    package var forwardsIn = 0
    package var answersIn = 0
    package var beatsIn = 0
    /// Answers that were let out to a client.
    package var answersReleased = 0
    /// Addresses that gave way to newer ones before their time.
    package var addressesDisplaced = 0
    /// Strays that were answered by a stateless reset, since the run that they are for is over.
    package var resets = 0
    /// Members beyond `RelayLimits.members`, whose frames are those of strangers.
    package var membersRefused = 0

    private var refused = [Int](repeating: 0, count: RelayRefusal.allCases.count)

    package init() {}

    package subscript(_ refusal: RelayRefusal) -> Int { self.refused[refusal.rawValue] }

    mutating func count(_ refusal: RelayRefusal, _ times: Int = 1) { self.refused[refusal.rawValue] += times }

    /// Each count's name, such as `forwards_out` or `refused_stranger`, and its value.
    package var named: [(name: String, value: Int)] {
        [
            ("forwards_out", self.forwardsOut),
            ("answers_out", self.answersOut),
            ("beats_out", self.beatsOut),
            ("forwards_in", self.forwardsIn),
            ("answers_in", self.answersIn),
            ("beats_in", self.beatsIn),
            ("answers_released", self.answersReleased),
            ("addresses_displaced", self.addressesDisplaced),
            ("resets", self.resets),
            ("members_refused", self.membersRefused),
        ] + RelayRefusal.allCases.map { ("refused_\($0.name)", self[$0]) }
    }

    /// Adds the counts of another side.
    package mutating func add(_ other: RelayCounters) {
        self.forwardsOut += other.forwardsOut
        self.answersOut += other.answersOut
        self.beatsOut += other.beatsOut
        self.forwardsIn += other.forwardsIn
        self.answersIn += other.answersIn
        self.beatsIn += other.beatsIn
        self.answersReleased += other.answersReleased
        self.addressesDisplaced += other.addressesDisplaced
        self.resets += other.resets
        self.membersRefused += other.membersRefused
        for refusal in RelayRefusal.allCases { self.count(refusal, other[refusal]) }
    }
}
