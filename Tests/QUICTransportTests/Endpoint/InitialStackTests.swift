import NIOCore
import Testing

@testable import QUICTransport

/// First flights that wait for their handshake to begin.
@Suite final class InitialStackTests {
    private static let lifetime: UInt64 = 250
    private var stack = InitialStack(limit: 4, lifetime: InitialStackTests.lifetime)
    private let here: DatagramAddress

    init() throws {
        self.here = try #require(DatagramAddress(SocketAddress(ipAddress: "127.0.0.1", port: 1_000)))
    }

    private func push(_ client: UInt8, _ octets: [UInt8], arrival: UInt64 = 0) -> Int {
        unsafe octets.withUnsafeBytes { bytes in
            unsafe self.stack.push(
                bytes,
                of: QUICConnectionID([client]),
                from: self.here,
                to: self.here,
                ecn: 1,
                arrival: arrival
            )
        }
    }

    private func append(_ client: UInt8, _ octets: [UInt8]) -> Bool {
        unsafe octets.withUnsafeBytes { bytes in
            unsafe self.stack.append(bytes, of: QUICConnectionID([client]), from: self.here, to: self.here, ecn: 1)
        }
    }

    private func pop() -> [[UInt8]] { self.stack.popNewest().map { Array(buffer: $0.bytes) } }

    private func removeExpired(now: UInt64) -> Int { self.stack.removeExpired(now: now) }

    @Test func newestClientComesFirst() {
        for client in 1...3 as ClosedRange<UInt8> { #expect(self.push(client, [client]) == 0) }
        for client in [3, 2, 1] as [UInt8] { #expect(self.pop() == [[client]]) }
        #expect(self.pop() == [])
        #expect(self.stack.isEmpty)
    }

    /// A ClientHello of two datagrams, or early data behind it: they come out in the order in which they came.
    @Test func flightStaysTogether() {
        #expect(self.push(1, [1]) == 0)
        #expect(self.push(2, [2]) == 0)
        #expect(self.append(1, [11]))
        #expect(self.append(1, [12]))
        #expect(!self.append(3, [31]), "nobody of that name waits")
        #expect(self.pop() == [[2]])
        #expect(self.pop() == [[1], [11], [12]])
        #expect(self.stack.count == 0)
    }

    @Test func oldestGivesWay() {
        #expect(self.push(1, [1]) == 0)
        #expect(self.append(1, [11]))
        #expect(self.push(2, [2]) == 0)
        #expect(self.push(3, [3]) == 0)
        #expect(!self.append(3, [31]), "nothing is taken from others for a second datagram")
        #expect(self.push(4, [4]) == 2)
        #expect(self.stack.count == 3)
        for client in [4, 3, 2] as [UInt8] { #expect(self.pop() == [[client]]) }
    }

    @Test func flightHasABound() {
        self.stack = InitialStack(limit: 100, lifetime: InitialStackTests.lifetime)
        #expect(self.push(1, [1]) == 0)
        for _ in 1..<InitialStack.flightLimit { #expect(self.append(1, [2])) }
        #expect(!self.append(1, [3]))
        #expect(self.pop().count == InitialStack.flightLimit)
    }

    @Test func nobodyWaitsTooLong() {
        #expect(self.push(1, [1], arrival: 1_000) == 0)
        #expect(self.push(2, [2], arrival: 1_100) == 0)
        #expect(self.removeExpired(now: 1_250) == 0)
        #expect(self.removeExpired(now: 1_251) == 1)
        #expect(self.pop() == [[2]])
    }

    /// Slots are used again, and nothing of what was in them comes out.
    @Test func memoryIsUsedAgain() {
        for round in 0..<50 as Range<UInt8> {
            #expect(self.push(1, [UInt8](repeating: round, count: 1_200)) == 0)
            #expect(self.append(1, [round]))
            #expect(self.push(2, [round, round]) == 0)
            #expect(self.pop() == [[round, round]])
            if round % 2 == 0 {
                #expect(self.pop() == [[UInt8](repeating: round, count: 1_200), [round]])
            } else {
                #expect(self.removeExpired(now: 1_000) == 2)
            }
            #expect(self.stack.count == 0)
        }
    }
}
