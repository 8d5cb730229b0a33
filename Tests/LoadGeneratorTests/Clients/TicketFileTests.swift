import Foundation
import QUICTransport
import Testing

@testable import LoadGenerator

@Suite struct TicketFileTests {
    private static func ticket(_ number: UInt8) -> QUICSessionTicket {
        QUICSessionTicket(
            session: [number, 2, 3],
            transportParameters: [4],
            allowsEarlyData: number % 2 == 0,
            received: Int64(number),
            lifetime: 7_200
        )
    }

    private static func owner(_ client: String) -> TicketFile.Owner { .init(client: client, server: "host:14567") }

    private static func withPath<Result>(_ body: (String) throws -> Result) rethrows -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "tickets-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    @Test func isReadBack() throws {
        try Self.withPath { path in
            let empty = try TicketFile(path: path)
            #expect(empty.tickets.isEmpty)
            let first = [Self.owner("a"): Self.ticket(1), Self.owner("b \"quoted\""): Self.ticket(2)]
            try empty.adding(first).write()
            let read = try TicketFile(path: path)
            #expect(read.tickets == first)
            try read.adding([Self.owner("a"): Self.ticket(4)]).write()
            let again = try TicketFile(path: path)
            #expect(again.tickets[Self.owner("a")] == Self.ticket(4))
            #expect(again.tickets.count == 2)
        }
    }

    @Test(arguments: [
        "no JSON", "{}",
        #"{"client":"a","server":"b","session":"?","parameters":"","early":true,"received":1,"lifetime":1}"#,
    ])
    func wrongLinesAreNamed(line: String) throws {
        try Self.withPath { path in
            try TicketFile(path: path).adding([Self.owner("a"): Self.ticket(1)]).write()
            let text = try String(contentsOfFile: path, encoding: .utf8) + line + "\n"
            try Data(text.utf8).write(to: URL(filePath: path))
            #expect(throws: UsageError("\(path):2: no session ticket of martlet bench")) { try TicketFile(path: path) }
        }
    }

    @Test func foldersThatCannotBeWrittenAreAnError() {
        #expect(throws: UsageError.self) { try TicketFile(path: "/nowhere/at/all").adding([:]).write() }
    }

    @Test func optionsBelongTogether() {
        for words in [["--load-qst", "f"], ["--certfile", "c", "--keyfile", "k"], ["--quic", "--certfile", "c"]] {
            #expect(throws: UsageError.self) { try BenchOptions(.conn, words) }
        }
    }
}
