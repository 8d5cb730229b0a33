/// What one direction of a link does to packets.
package struct LinkProfile: Sendable, Equatable {
    /// From the end of the queue to the other side.
    package var delay: Nanoseconds = 0
    /// The delay varies uniformly by as much to both sides; packets keep their order.
    package var jitter: Nanoseconds = 0
    /// Each packet is lost with this probability, independently of others.
    package var loss = Probability.never
    /// Losses that come in bursts, besides.
    package var bursts: Bursts?
    package var reordering = Reordering(probability: .never, hold: 0)
    /// Each packet arrives twice with this probability.
    package var duplication = Probability.never
    /// What the link carries; nil for no limit.
    package var rate: Rate?
    /// What waits for a link with a rate; the packet that does not fit is dropped.
    package var queue = Queue(packets: 1000, octets: .max)

    package init() {}

    /// The model of Gilbert and Elliott: a link that is good or bad, and may change with each packet.
    package struct Bursts: Sendable, Equatable {
        package var becomesBad: Probability
        package var becomesGood: Probability
        package var lossWhenBad: Probability
        package var lossWhenGood: Probability

        package init(
            becomesBad: Probability,
            becomesGood: Probability,
            lossWhenBad: Probability = .always,
            lossWhenGood: Probability = .never
        ) {
            self.becomesBad = becomesBad
            self.becomesGood = becomesGood
            self.lossWhenBad = lossWhenBad
            self.lossWhenGood = lossWhenGood
        }
    }

    /// Packets that are held back, so that later ones overtake them.
    package struct Reordering: Sendable, Equatable {
        package var probability: Probability
        package var hold: Nanoseconds

        package init(probability: Probability, hold: Nanoseconds) {
            self.probability = probability
            self.hold = hold
        }
    }

    package struct Queue: Sendable, Equatable {
        package var packets: Int
        package var octets: Int

        package init(packets: Int, octets: Int) {
            self.packets = packets
            self.octets = octets
        }
    }

    package enum Rate: Sendable, Equatable {
        /// 1 to 2^40.
        case bitsPerSecond(UInt64)
        /// 1 to 2^32, whatever their size.
        case packetsPerSecond(UInt64)

        /// How long a packet is on the wire.
        func time(_ length: Int) -> Nanoseconds {
            switch self {
            case .bitsPerSecond(let rate): UInt64(length) * 8_000_000_000 / rate
            case .packetsPerSecond(let rate): 1_000_000_000 / rate
            }
        }
    }
}
