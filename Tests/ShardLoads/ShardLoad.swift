import AllocationCounter
import MQTTBroker
import NIOCore

/// Something that clients ask of a broker over and over, always alike, so that what one of it costs can be counted.
package struct ShardLoad {
    private let broker: LoadedBroker
    private let unitsPerStep: Int
    private let step: (_ number: Int) -> Void
    private var stepCount = 0
    /// The broker's own count of what is done, and how often a unit raises it.
    private let counter: KeyPath<Counters, UInt64>
    private let countPerUnit: Int

    /// Units that are run before any is counted, and that are counted.
    static let units = 1_000

    init(
        on broker: LoadedBroker,
        unitsPerStep: Int = 1,
        counter: KeyPath<Counters, UInt64>,
        countPerUnit: Int = 1,
        step: @escaping (_ number: Int) -> Void
    ) {
        self.broker = broker
        self.unitsPerStep = unitsPerStep
        self.counter = counter
        self.countPerUnit = countPerUnit
        self.step = step
    }

    /// What 1,000 units cost.
    package struct Costs: Equatable {
        /// Blocks of memory asked for.
        package let allocations: Int
        /// Batches that one shard gave another.
        package let handOvers: Int
        /// Whether the broker did what it was asked for.
        package let isComplete: Bool
    }

    package mutating func costs() -> Costs {
        let handOvers = broker.handOverCount
        let done = broker.total(counter)
        // Last, and first again: nothing else is to be counted.
        var allocations = allocation_count()
        runCountedSteps()
        allocations = allocation_count() - allocations
        return Costs(
            allocations: Int(allocations),
            handOvers: broker.handOverCount - handOvers,
            isComplete: broker.total(counter) - done == countPerUnit * Self.units
        )
    }

    /// Gives tables and caches their size.
    package mutating func warmUp() { runSteps() }

    /// A function of its own, whose name scripts/ceilings gives to callgrind: only what is done in here is counted.
    @inline(never) private mutating func runCountedSteps() { runSteps() }

    private mutating func runSteps() {
        for _ in 0..<Self.units / unitsPerStep {
            step(stepCount)
            stepCount += 1
            broker.advance(by: .milliseconds(1))
        }
    }
}
