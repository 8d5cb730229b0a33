import Logging
import Testing

@testable import BrokerServer

@Suite struct SharedLevelLogHandlerTests {
    @Test("Copies of a logger follow the level, but for those with one of their own")
    func follows() {
        let level = LogLevel(.warning)
        let recorder = LogRecorder()
        var logger = Logger(label: "test") { _ in SharedLevelLogHandler(recorder.handler, level) }
        logger[metadataKey: "node"] = "a"
        var quiet = logger
        quiet.logLevel = .critical
        logger.debug("before")
        level.value = .debug
        #expect(logger.logLevel == .debug && quiet.logLevel == .critical)
        logger.debug("after")
        quiet.error("unheard")
        #expect(recorder.lines.count == 1)
        for level in Logger.Level.allCases { #expect(LogLevel(level).value == level) }
    }
}
