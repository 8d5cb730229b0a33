import class Foundation.ProcessInfo

/// The seeds that the simulations play: `make simulate SEEDS=n SEED=x` chooses them.
enum SimulatedSeeds {
    /// - Parameter count: of seeds where nothing is chosen.
    static func seeds(_ count: UInt64) -> Range<UInt64> {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["MARTLET_SEED"].flatMap(UInt64.init) ?? 0
        let count = environment["MARTLET_SEEDS"].flatMap(UInt64.init) ?? count
        return first..<first + count
    }
}
