/// A command to an emulator, from a script or while the emulator runs.
package indirect enum Command: Sendable, Equatable {
    /// Changes the behaviour of one direction, or of both.
    case set(Direction?, [Setting])
    /// The link loses all packets, until ``mend`` or for a time.
    case cut(Nanoseconds?)
    /// The link carries packets again after a ``cut``.
    case mend
    /// The NAT gives flows other outside addresses or ports (a NAT rebinding, RFC 9000 §9).
    case rebind(FlowScope, NATChange)
    /// The NAT forgets the bindings of flows, as after their timeout.
    case expire(FlowScope)
    /// Performs a command once, a time after this one.
    case after(Nanoseconds, Command)
    /// Performs a command at a fixed interval, first one interval after this command.
    case every(Nanoseconds, Command)
    /// Asks the caller to report the counters.
    case report
    case quit

    /// A direction of the link.
    package enum Direction: String, Sendable {
        case toServer = "to-server"
        case toClient = "to-client"
    }

    /// A new value of one field of a ``LinkProfile``.
    package enum Setting: Sendable, Equatable {
        case delay(Nanoseconds)
        case jitter(Nanoseconds)
        case loss(Probability)
        case bursts(LinkProfile.Bursts?)
        case reordering(LinkProfile.Reordering)
        case duplication(Probability)
        case rate(LinkProfile.Rate?)
        case queuePackets(Int)
        case queueOctets(Int)
    }
}

extension LinkProfile {
    mutating func apply(_ setting: Command.Setting) {
        switch setting {
        case .delay(let delay): self.delay = delay
        case .jitter(let jitter): self.jitter = jitter
        case .loss(let loss): self.loss = loss
        case .bursts(let bursts): self.bursts = bursts
        case .reordering(let reordering): self.reordering = reordering
        case .duplication(let duplication): self.duplication = duplication
        case .rate(let rate): self.rate = rate
        case .queuePackets(let packets): queue.packets = packets
        case .queueOctets(let octets): queue.octets = octets
        }
    }
}
