import QUICTransport
import Testing

/// The numbers of listeners, which nodes agree on without talking.
@Suite struct RelayListenersTests {
    @Test func namesHaveNumbersOfTheirOwn() {
        let names = (0..<256).map { "listener\($0)" }
        let numbers = RelayListeners.numbers(of: names)
        #expect(Set(numbers.values).count == 256)
        #expect(RelayListeners.numbers(of: names.reversed()) == numbers)
        #expect(RelayListeners.numbers(of: names + ["more"]).count == RelayListeners.maximumCount)
    }

    /// One more listener leaves the others' numbers as they are.
    @Test func numbersComeFromNames() {
        let few = RelayListeners.numbers(of: ["default", "internal"])
        let more = RelayListeners.numbers(of: ["another", "default", "internal"])
        #expect(few["default"] == more["default"])
        #expect(few["internal"] == more["internal"])
    }
}
