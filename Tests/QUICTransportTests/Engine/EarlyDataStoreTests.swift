import Testing

@testable import QUICTransport

/// The memory of early data that has been executed.
@Suite struct EarlyDataStoreTests {
    /// The clock jumps while a ClientHello is on its way through the library.
    @Test func jumpBetweenKeyAndStoreRefuses() throws {
        let offset = TestClock()
        let store = EarlyDataStore(window: .seconds(100), clock: { offset.reading })
        let jumps = store.clockJumps
        #expect(Self.admit("a", to: store, jumps) == .fresh)
        offset.jump(10)
        #expect(Self.admit("b", to: store, jumps) == .clockJumped)
        #expect(store.clockJumps == jumps + 1)
        #expect(store.count == 0)
    }

    private static func admit(_ name: String, to store: EarlyDataStore, _ jumps: Int = 0) -> EarlyDataStore.Verdict {
        let binder = Array(name.utf8) + [UInt8](repeating: 0, count: 32)
        return binder.withUnsafeBytes { store.admit($0, clockJumps: jumps) }
    }

    @Test func storeForgetsAfterItsWindow() {
        let offset = TestClock()
        let store = EarlyDataStore(window: .seconds(100), capacity: 3, clock: { offset.reading })
        #expect(Self.admit("a", to: store) == .fresh)
        #expect(Self.admit("a", to: store) == .replayed)
        offset.pass(60)
        #expect(Self.admit("b", to: store) == .fresh)
        #expect(Self.admit("c", to: store) == .fresh)
        #expect(Self.admit("d", to: store) == .full)
        offset.pass(40)
        #expect(Self.admit("a", to: store) == .replayed, "the window counts from the end of its slice")
        offset.pass(25)
        #expect(Self.admit("d", to: store) == .fresh)
        #expect(Self.admit("b", to: store) == .replayed)
        #expect(store.count == 3)
        offset.pass(1_000)
        #expect(Self.admit("b", to: store) == .fresh)
        #expect(store.count == 1)
    }

    @Test func slewedClockIsNoJump() {
        let offset = TestClock()
        let store = EarlyDataStore(window: .seconds(100), clock: { offset.reading })
        for _ in 0..<10 {
            #expect(store.clockJumps == 0)
            offset.pass(3_600)
            offset.jump(1)
        }
    }
}
