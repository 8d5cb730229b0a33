import Testing

@testable import LinkEmulator

@Suite struct ScheduleTests {
    @Test("Commands are carried out at their times, in the order in which they were given; `every` repeats them")
    func order() throws {
        var scene = Scene()
        try scene.say("every 2ms report")
        try scene.say("at 3ms quit")
        try scene.say("at 2ms quit")
        func told(until now: Nanoseconds) -> [Emulator.Event] {
            _ = scene.arrivals(until: now)
            return scene.emulator.takeEvents()
        }
        #expect(told(until: .milliseconds(1)) == [])
        #expect(told(until: .milliseconds(2)) == [.report, .quit])
        #expect(told(until: .milliseconds(3)) == [.quit])
        #expect(told(until: .milliseconds(9)) == [.report, .report, .report])
        #expect(scene.emulator.nextInstant == .milliseconds(10))
    }
}
