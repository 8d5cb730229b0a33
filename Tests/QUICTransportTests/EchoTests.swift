import NIOCore
import Testing

@testable import QUICTransport

@Suite struct EchoTests {
    @Test func smallMessageComesBack() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            #expect(stream.id == 0)
            stream.write(ByteBuffer(string: "hello"))
            try await scene.until("echo") { pair.recorder.text(0) == "hello" }
            stream.finish()
            try await scene.until("close") {
                pair.recorder.closedStreams == [0] && pair.peerRecorder.closedStreams == [0]
            }
            #expect(pair.recorder.finished == [0])
            #expect(stream.isClosed)
        }
    }
}
