/// The behaviour of one direction of a link.
package struct LinkProfile: Sendable, Equatable {
    /// Time from the end of the queue to the other side.
    package var delay: Nanoseconds = 0
    /// The delay is uniform between `delay` minus and plus this time; packets keep their order.
    package var jitter: Nanoseconds = 0
    /// Probability with which each packet is lost, independently of others.
    package var loss = Probability.never
    /// Losses in bursts, in addition to the independent ones.
    package var bursts: Bursts?
    package var reordering = Reordering(probability: .never, hold: 0)
    /// Probability with which a packet arrives twice.
    package var duplication = Probability.never
    /// The rate of the link; nil for no limit.
    package var rate: Rate?
    /// The bound of the queue of a link with a rate; a packet that does not fit is dropped.
    package var queue = Queue(packets: 1000, octets: .max)

    package init() {}

    /// The Gilbert-Elliott model: the link is in a good or a bad state, and each packet may change the state.
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

    /// The bounds of the queue in front of the wire.
    package struct Queue: Sendable, Equatable {
        package var packets: Int
        package var octets: Int

        package init(packets: Int, octets: Int) {
            self.packets = packets
            self.octets = octets
        }
    }

    /// How fast packets leave the queue.
    package enum Rate: Sendable, Equatable {
        /// 1 to 2^40.
        case bitsPerSecond(UInt64)
        /// 1 to 2^32, whatever their size.
        case packetsPerSecond(UInt64)

        /// The time that sending a packet takes at this rate.
        func time(_ length: Int) -> Nanoseconds {
            switch self {
            case .bitsPerSecond(let rate): UInt64(length) * 8_000_000_000 / rate
            case .packetsPerSecond(let rate): 1_000_000_000 / rate
            }
        }
    }
}
