import NIOCore
import Testing

@testable import NATSClient

@Suite struct RequestTableTests {
    private let now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func add(to table: inout RequestTable, _ deadline: NIODeadline) throws -> RequestIdentifier {
        let request = table.add(deadline: deadline)
        return try #require(request)
    }

    private func isTaken(_ request: RequestIdentifier, of table: inout RequestTable) -> Bool {
        table.take(table.replySubject(of: request)) == request
    }

    @Test("The deadlines of answered requests are held within a bound, and those of the others are kept") func bound()
        throws
    {
        var table = RequestTable(name: "t", maximum: 8)
        let first = try add(to: &table, now + .seconds(1))
        let second = try add(to: &table, now + .seconds(2))
        for _ in 1...1_000 {
            let request = try add(to: &table, now + .seconds(60))
            let isTaken = isTaken(request, of: &table)
            #expect(isTaken && table.deadlineCount <= 16)
        }
        #expect(table.count == 2 && table.nextDeadline == now + .seconds(1))
        let expired = (1...3).map { _ in table.takeExpired(now + .seconds(3)) }
        #expect(expired == [first, second, nil])
        let late = table.takeExpired(now + .seconds(100))
        #expect(late == nil && table.count == 0)
    }

    @Test("As many requests wait as may, and one that was answered makes room") func maximum() throws {
        var table = RequestTable(name: "t", maximum: 2)
        let first = try add(to: &table, now)
        _ = try add(to: &table, now)
        let third = table.add(deadline: now)
        #expect(third == nil)
        let taken = (1...2).map { _ in isTaken(first, of: &table) }
        #expect(taken == [true, false])
        _ = try add(to: &table, now)
    }
}
