import CDatagrams
import NIOCore
import Testing

@testable import QUICTransport

/// The parts of an endpoint, one by one and without sockets.
@Suite struct PartsTests {
    // MARK: SendQueue

    /// A model of the queue: whatever is appended, sent in parts and acknowledged in parts comes out in order, once.
    @Test func sendQueueHandsOutBytesInOrder() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var queue = SendQueue()
            var appended: [UInt8] = []
            var sent: [UInt8] = []
            var acknowledged = 0
            for _ in 0..<60 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0, 1:
                    let size = [0, 1, 20, 500, 600, 5_000, 16_384, 30_000].randomElement(using: &random) ?? 1
                    let bytes = ByteBuffer.pattern(size, seed: Int.random(in: 0..<1_000, using: &random))
                    queue.append(bytes)
                    appended += Array(buffer: bytes)
                case 2:
                    let offered = queue.unsentBytes(atMost: Int.random(in: 1...40_000, using: &random))
                    sent += offered
                    queue.didSend(offered.count)
                default:
                    let count = Int.random(in: 0...(sent.count - acknowledged), using: &random)
                    queue.acknowledge(count)
                    acknowledged += count
                }
                #expect(queue.count == appended.count - acknowledged)
                #expect(queue.unsent == appended.count - sent.count)
                #expect(sent == Array(appended.prefix(sent.count)))
            }
        }
    }

    @Test func sendQueueFinishesBehindTheLastByte() {
        var queue = SendQueue()
        #expect(queue.hasWork == false)
        queue.append(ByteBuffer(string: "abc"))
        queue.finish = .wanted
        #expect(queue.hasWork == true)
        queue.didSend(2)
        #expect(queue.finish == .wanted)
        queue.didSend(1)
        #expect(queue.finish == .sent)
        #expect(queue.hasWork == false)
        queue.acknowledge(3)
        #expect(queue.count == 0)
    }

    // MARK: DeadlineHeap

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

    // MARK: TokenBucket

    @Test func tokensComeBackWithTime() {
        var bucket = TokenBucket(burst: 3, interval: 100, now: 1_000)
        func take(_ now: UInt64) -> Bool { bucket.take(now: now) }
        #expect((0..<4).map { _ in take(1_000) } == [true, true, true, false])
        #expect(!take(1_099))
        #expect(take(1_100))
        #expect(!take(1_199))
        // A clock that stands still or goes back gives nothing.
        #expect(!take(900))
        #expect((0..<4).map { _ in take(100_000) } == [true, true, true, false])
    }

    // MARK: TransmitBatch

    @Test func equalPacketsBecomeOneMessage() throws {
        let batch = TransmitBatch(QUICSocketConfiguration())
        let here = try #require(DatagramAddress(SocketAddress(ipAddress: "127.0.0.1", port: 1_000)))
        let there = try #require(DatagramAddress(SocketAddress(ipAddress: "127.0.0.1", port: 2_000)))
        func add(_ count: Int, to address: DatagramAddress, ecn: UInt8 = 0, from source: DatagramAddress? = nil) -> Int
        {
            batch.append(count, from: source, to: address, ecn: ecn)
            return batch.messageCount
        }
        #expect(add(1_200, to: here) == 1)
        #expect(add(1_200, to: here) == 1)
        #expect(add(700, to: here) == 1)
        // A shorter one ends the train.
        #expect(add(700, to: here) == 2)
        // So do a longer one, another way and another mark.
        #expect(add(701, to: here) == 3)
        #expect(add(701, to: there) == 4)
        #expect(add(701, to: there, ecn: 2) == 5)
        #expect(add(701, to: there, ecn: 2, from: here) == 6)
        batch.clear()
        // The kernel cuts a train in 64 at most.
        for index in 0..<65 { #expect(add(100, to: here) == (index < 64 ? 1 : 2)) }
    }

    @Test func batchHasBounds() throws {
        let batch = TransmitBatch(QUICSocketConfiguration())
        let here = try #require(DatagramAddress(SocketAddress(ipAddress: "127.0.0.1", port: 1_000)))
        var count = 0
        while batch.hasRoom(for: 1_452) {
            batch.append(1_000 + count % 2 * 400, from: nil, to: here, ecn: 0)
            count += 1
        }
        #expect(batch.messageCount <= Int(DATAGRAM_BATCH))
        #expect(count >= 64)
    }

    // MARK: Headers and identifiers

    @Test func headersOfAllFormsAreRead() throws {
        func header(_ bytes: [UInt8]) -> PacketHeader? {
            bytes.withUnsafeBytes { PacketHeader($0, identifierCount: 4) }
        }
        let short = try #require(header([0x40, 1, 2, 3, 4, 5]))
        #expect(short.form == .short)
        #expect(short.destination.octets == [1, 2, 3, 4])
        let long = try #require(header([0xc0, 0, 0, 0, 1, 2, 7, 8, 1, 9, 0]))
        #expect(long.form == .long(version: 1))
        #expect(long.destination.octets == [7, 8])
        #expect(long.source.octets == [9])
        #expect(header([]) == nil)
        #expect(header([0x40, 1, 2, 3]) == nil)
        #expect(header([0xc0, 0, 0, 0, 1, 2, 7]) == nil)
        #expect(header([0xc0, 0, 0, 0, 1, 0, 2, 7]) == nil)
        // No version has identifiers of more than 20 octets that we could hold.
        #expect(header([0xc0, 0, 0, 0, 1, 21] + [UInt8](repeating: 0, count: 30)) == nil)
        #expect(header([0xc0, 0, 0, 0, 1, 0, 255] + [UInt8](repeating: 0, count: 255)) == nil)
    }

    @Test func identifiersKeepTheirOctets() {
        for count in 0...20 {
            let octets = (0..<count).map { UInt8($0 + 1) }
            #expect(QUICConnectionID(octets).octets == octets)
            #expect(QUICConnectionID(octets) == octets.withUnsafeBytes { QUICConnectionID($0) })
        }
        #expect(QUICConnectionID([1]) != QUICConnectionID([1, 0]))
        let generator = RandomConnectionIDGenerator()
        #expect(generator.make().count == 17)
        #expect(Set((0..<1_000).map { _ in generator.make() }).count == 1_000)
    }
}

extension SendQueue {
    /// What a packet of the size would take.
    fileprivate func unsentBytes(atMost limit: Int) -> [UInt8] {
        let context = EngineContext(identifiers: RandomConnectionIDGenerator(), keys: KeyRing(secret: [1]))
        return context.bytes(of: self, atMost: limit)
    }
}
