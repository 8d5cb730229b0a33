import NIOCore
import Testing

@testable import QUICTransport

/// The timers of an endpoint's connections.
@Suite struct DeadlineHeapTests {
    @Test func deadlinesComeInOrder() async throws {
        try await Scene.run { scene in
            let client = try await scene.client()
            let silent = try await PlainSocket.bind(on: scene.loop)
            var heap = DeadlineHeap()
            var connections: [QUICConnection] = []
            for _ in 0..<40 { connections.append(try scene.start(client, to: try silent.address).0) }
            client.flush()
            for connection in connections { client.deadlines.remove(connection) }
            for connection in connections.shuffled() { heap.schedule(connection) }
            #expect(heap.count == 40)
            heap.remove(connections[7])
            heap.remove(connections[7])
            #expect(heap.count == 39)
            var last: UInt64 = 0
            while let connection = heap.popDue(now: .max) {
                #expect(connection.deadline >= last)
                last = connection.deadline
                #expect(connection.heapIndex == -1)
            }
            #expect(heap.count == 0)
            try await silent.close()
        }
    }
}
