import QUICTransport
import Testing

/// The window of numbers that are told apart (RFC 4303 §3.4.3, RFC 6479).
@Suite struct ReplayWindowTests {
    @Test func tellsNumbersApart() {
        var window = ReplayWindow()
        #expect(window.verdict(0) == .fresh)
        window.mark(0)
        #expect(window.verdict(0) == .replayed)
        #expect(window.verdict(1) == .fresh)
        window.mark(1_023)
        #expect(window.verdict(0) == .replayed)
        #expect(window.verdict(1) == .fresh)
        window.mark(1_024)
        #expect(window.verdict(0) == .outOfWindow)
        #expect(window.verdict(1) == .fresh)
    }

    /// A window that was moved far knows nothing of what was there before, and forgets nothing from there on.
    @Test(arguments: [63, 64, 1_023, 1_024, 1_087, 1_088, 1_089, 5_000, 1 << 55] as [UInt64])
    func movesFar(_ distance: UInt64) {
        var window = ReplayWindow()
        for number in 0..<200 as Range<UInt64> { window.mark(number) }
        let highest = 199 + distance
        window.mark(highest)
        for back in 0..<ReplayWindow.width where back <= highest {
            let number = highest - back
            #expect(window.verdict(number) == (back == 0 || number < 200 ? .replayed : .fresh))
        }
    }

    /// The window agrees with a set of all numbers, for numbers that come in any order.
    @Test func agreesWithASet() {
        var window = ReplayWindow()
        var marked: Set<UInt64> = []
        var highest: UInt64 = 0
        var random: UInt64 = 1
        for _ in 0..<20_000 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let number = (highest + (random >> 33) % 1_500) - min(highest, 1_200)
            let expected: ReplayWindow.Verdict =
                number + ReplayWindow.width <= highest ? .outOfWindow : marked.contains(number) ? .replayed : .fresh
            #expect(window.verdict(number) == expected)
            guard expected == .fresh else { continue }
            window.mark(number)
            marked.insert(number)
            highest = max(highest, number)
        }
    }
}
