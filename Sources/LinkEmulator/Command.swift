/// What an emulator is told, by a script or while it runs.
package indirect enum Command: Sendable, Equatable {
    case set(Direction?, [Setting])
    /// Nothing passes, until ``mend`` or for a time.
    case cut(Nanoseconds?)
    case mend
    case rebind(FlowScope, NATChange)
    case expire(FlowScope)
    /// Once, so long after it was said.
    case after(Nanoseconds, Command)
    /// Again and again, first after that time.
    case every(Nanoseconds, Command)
    /// The counters are wanted.
    case report
    case quit

    package enum Direction: String, Sendable {
        case toServer = "to-server"
        case toClient = "to-client"
    }

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
