import Testing

@testable import QUICTransport

/// Keys of session tickets, from day to day.
@Suite struct TicketKeysTests {
    private static let day: UInt64 = 86_400_000_000_000
    private static let hour: UInt64 = 3_600_000_000_000

    private static func name(_ text: String) throws -> TicketKeyName {
        let octets = Array(text.utf8) + [UInt8](repeating: 0, count: 16)
        return try #require(octets.withUnsafeBytes { TicketKeyName($0) })
    }

    private static func resumption(lifetime: Duration) -> QUICServerResumption {
        QUICServerResumption(
            keys: TicketKeys(lifetime: lifetime),
            earlyData: EarlyDataStore(window: lifetime * 2)
        )
    }

    @Test func keysAreReplacedDailyAndOpenForTheLifetime() throws {
        let keys = TicketKeys(lifetime: .seconds(7_200))
        let (old, unknown) = (try Self.name("old"), try Self.name("unknown"))
        let first = keys.key(for: nil, now: 5, clockJumps: 0)
        keys.note(old, of: first.number)
        #expect(keys.key(for: nil, now: 4 + Self.day, clockJumps: 0).number == first.number)
        let second = keys.key(for: nil, now: 5 + Self.day, clockJumps: 0)
        #expect(second.number != first.number)
        #expect(keys.key(for: old, now: 6 + Self.day, clockJumps: 0).number == first.number)
        #expect(keys.key(for: unknown, now: 6 + Self.day, clockJumps: 0).number == second.number)
        #expect(keys.key(for: old, now: 4 + Self.day + 2 * Self.hour, clockJumps: 0).number == first.number)
        #expect(keys.key(for: old, now: 5 + Self.day + 2 * Self.hour, clockJumps: 0).number == second.number)
    }

    /// What is sealed opens for as long as it says: no key seals that opens for less than a lifetime from now.
    @Test func keysSealForADay() throws {
        let keys = TicketKeys(lifetime: .seconds(7_200))
        let name = try Self.name("name")
        #expect(!keys.seals(0, now: 5))
        let first = keys.key(for: nil, now: 5, clockJumps: 0)
        keys.note(name, of: first.number)
        let last = 4 + Self.day
        #expect(keys.seals(first.number, now: last))
        #expect(keys.key(for: name, now: last + 2 * Self.hour, clockJumps: 0).number == first.number)
        // With a handshake that ends on the next day, before and after the next key is there.
        let late = TicketKeys(lifetime: .seconds(7_200))
        let number = late.key(for: nil, now: 5, clockJumps: 0).number
        #expect(!late.seals(number, now: 5 + Self.day))
        let second = late.key(for: nil, now: 5 + Self.day, clockJumps: 0).number
        #expect(!late.seals(number, now: 5 + Self.day))
        #expect(late.seals(second, now: 5 + Self.day))
        // With a clock that jumped meanwhile.
        _ = late.key(for: nil, now: 6 + Self.day, clockJumps: 1)
        #expect(!late.seals(second, now: 6 + Self.day))
    }

    @Test func keysAreForgottenWhenTheClockJumps() throws {
        let keys = TicketKeys()
        let name = try Self.name("name")
        let first = keys.key(for: nil, now: 5, clockJumps: 0)
        keys.note(name, of: first.number)
        #expect(keys.key(for: name, now: 6, clockJumps: 1).number != first.number)
    }

    /// A ticket of yesterday's key still resumes, one of the day before does not.
    @Test func ticketOfTheKeyBeforeResumes() async throws {
        try await Scene.run { scene in
            let resumption = Self.resumption(lifetime: .seconds(86_400))
            let server = try await scene.listen(configure: { $0.resumption = resumption })
            let ticket = try await scene.ticket(from: server)
            let days: [(UInt64, resumed: Int)] = [(Self.day, 1), (2 * Self.day, 0)]
            for (later, resumed) in days {
                // The wall clock, by which the library judges a ticket, stands still meanwhile.
                let next = try await scene.listen(configure: { $0.resumption = resumption })
                next.skew = later
                let (_, recorder) = try await scene.resume(ticket, to: next.localAddress, saying: "later")
                try await scene.until("echo") { recorder.text(0) == "later" }
                #expect(next.counters.handshakesResumed == resumed)
            }
        }
    }

    /// The new ticket of a client that resumes with yesterday's key would be sealed with it, too, and so die before its
    /// time: there is none. The next full handshake brings one.
    @Test func noTicketDiesBeforeItsTime() async throws {
        try await Scene.run { scene in
            let resumption = Self.resumption(lifetime: .seconds(7_200))
            let server = try await scene.listen(configure: { $0.resumption = resumption })
            var ticket = try await scene.ticket(from: server)
            let instants: [(UInt64, resumed: Int, tickets: Int)] = [
                (Self.day - Self.hour, 1, 1), (Self.day + Self.hour, 1, 0), (Self.day + 3 * Self.hour, 0, 1),
                (Self.day + 4 * Self.hour, 1, 1),
            ]
            for (later, resumed, tickets) in instants {
                // The wall clock, by which the library judges a ticket, stands still meanwhile.
                let next = try await scene.listen(configure: { $0.resumption = resumption })
                next.skew = later
                let (_, recorder) = try await scene.resume(ticket, to: next.localAddress, saying: "later") {
                    $0.takesTickets = true
                }
                try await scene.until("echo") { recorder.text(0) == "later" && recorder.confirmedCount == 1 }
                try await scene.until("ticket") { recorder.tickets.count == next.counters.ticketsSent }
                #expect(next.counters.handshakesResumed == resumed)
                #expect(next.counters.ticketsSent == tickets)
                if let fresh = recorder.tickets.first { ticket = fresh }
            }
        }
    }
}
