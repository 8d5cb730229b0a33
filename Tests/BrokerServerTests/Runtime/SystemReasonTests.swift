import Foundation
import NIOCore
import QUICTransport
import Testing

@testable import BrokerServer

@Suite struct SystemReasonTests {
    @Test("Errors of SwiftNIO, QUIC and Foundation give the system's words") func systemCalls() throws {
        #expect(SystemReason(IOError(errnoCode: EACCES, reason: "bind")).description == "Permission denied")
        #expect(SystemReason(QUICError.socket(operation: "bind", errno: ENOBUFS)).code == ENOBUFS)
        let missing = try #require(throws: (any Error).self) {
            try Data(contentsOf: URL(fileURLWithPath: "/proc/self/none"))
        }
        #expect(SystemReason(missing).description == "No such file or directory")
        let notAFolder = try #require(throws: (any Error).self) {
            try FileManager.default.createDirectory(atPath: "/dev/null/folder", withIntermediateDirectories: true)
        }
        #expect(SystemReason(notAFolder).description == "Not a directory")
    }

    @Test("An error that no system call has caused describes itself") func others() {
        let reason = SystemReason(QUICError.configuration("alpn must have 1 to 255 octets"))
        #expect(reason.code == nil)
        #expect(reason.description == "configuration: alpn must have 1 to 255 octets")
    }
}
