import Testing

@testable import LinkEmulator

@Suite struct ScheduleTests {
    @Test("Commands come at their time, in the order they were said, and again if they should") func order() throws {
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
