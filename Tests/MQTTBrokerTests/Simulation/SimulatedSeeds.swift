import NIOConcurrencyHelpers
import Testing

import class Foundation.ProcessInfo

/// The seeds that the simulations play: `make simulate SEEDS=n SEED=x` chooses them.
enum SimulatedSeeds {
    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// True if `make` plays the simulation.
    static var isChosen: Bool { environment["MARTLET_SIMULATE"] != nil }

    /// - Parameter count: of seeds where nothing is chosen.
    static func seeds(_ count: UInt64) -> Range<UInt64> {
        let first = environment["MARTLET_SEED"].flatMap(UInt64.init) ?? 0
        let count = environment["MARTLET_SEEDS"].flatMap(UInt64.init) ?? count
        return first..<first + count
    }

    /// The faults that are put in on purpose: `make faults FAULT=name` plays one.
    static func faults<Fault: CaseIterable & RawRepresentable<String>>() -> [Fault] {
        guard let name = environment["MARTLET_FAULT"], !name.isEmpty else { return Array(Fault.allCases) }
        return Fault.allCases.filter { $0.rawValue == name }
    }

    /// Plays seeds, at most two thousand, until one finds the fault, as mostly one of the first does. A fault that none finds is a failure.
    static func find(_ fault: String, _ play: (_ seed: UInt64) throws -> Void) throws {
        let isFound = NIOLockedValueBox(false)
        let finder = try (0..<2000 as Range<UInt64>).first { seed in
            try withKnownIssue(isIntermittent: true) {
                try play(seed)
            } matching: { issue in
                // No fault makes what is kept unreadable.
                let isReadable = issue.error == nil
                if isReadable { isFound.withLockedValue { $0 = true } }
                return isReadable
            }
            return isFound.withLockedValue { $0 }
        }
        print("fault \(fault): found by seed \(finder.map(String.init) ?? "none of 2,000")")
        #expect(finder != nil)
    }
}
