import BrokerCluster
import NIOCore
import Testing

@Suite struct MembershipTests {
    /// A member beside others that are all well.
    private func script(others: Int, deadAfter: TimeAmount = .seconds(10)) -> MembershipScript {
        var script = MembershipScript(deadAfter: deadAfter)
        for node in 1...others { script.put(node, run: 1) }
        script.join()
        script.wait(.seconds(1))
        return script
    }

    private func member(_ script: MembershipScript, _ node: Int) throws -> Member {
        try #require(script.others[node]).record.member
    }

    private func isolations(_ script: inout MembershipScript) -> Int { script.takeEvents().count { $0 == .isolated } }

    @Test("A node is told first that it is a member, then of the others")
    func admitted() throws {
        var script = script(others: 2)
        let own = try #require(script.membership.member)
        let others = [try member(script, 1), try member(script, 2)]
        #expect(script.takeEvents() == [.admitted(own)] + others.map { .joined($0) })
        #expect(script.membership.others == others)
        #expect(script.holdsLease)
        let joined = script.membership
        script.put(3, run: 5)
        #expect(script.takeEvents() == [.joined(try member(script, 3))])
        #expect(joined.others.count == 2)
    }

    @Test("A node says in its heartbeats whom it has heard")
    func echoes() throws {
        let script = script(others: 2)
        let last = try #require(script.last)
        #expect(last.echoes.map(\.identity.node) == [1, 2])
        #expect(
            last.echoes.allSatisfy { echo in
                script.others[echo.identity.node].map { $0.sent - echo.number < 3 } ?? false
            }
        )
    }

    @Test("Everybody knows a secret once all members have said so, also those that are silent now")
    func secrets() throws {
        var script = script(others: 2)
        script.membership.secrets = [7, 8]
        script.wait(.milliseconds(200))
        #expect(script.last?.secrets == [7, 8])
        #expect(!script.membership.isKnownToAll(secret: 7))
        script.others[1]?.secrets = [7]
        script.wait(.milliseconds(200))
        #expect(!script.membership.isKnownToAll(secret: 7))
        script.others[2]?.secrets = [9, 7]
        script.wait(.milliseconds(200))
        #expect(script.membership.isKnownToAll(secret: 7) && !script.membership.isKnownToAll(secret: 9))
        // Another run of a node may know less.
        script.put(1, run: 2)
        #expect(!script.membership.isKnownToAll(secret: 7))
    }

    @Test("A silent node is suspected after the lease, trusted when it is heard of, and dead at deadAfter")
    func silence() throws {
        var script = script(others: 2)
        _ = script.takeEvents()
        script.others[1]?.speaks = false
        script.wait(.milliseconds(700))
        #expect(script.takeEvents() == [])
        script.wait(.milliseconds(400))
        #expect(script.takeEvents() == [.suspected(node: 1)])
        #expect(script.membership.isSuspected(1) && !script.membership.isSuspected(2))
        script.others[1]?.speaks = true
        script.wait(.milliseconds(300))
        #expect(script.takeEvents() == [.trusted(node: 1)])
        script.others[1]?.speaks = false
        script.wait(.milliseconds(9_700))
        #expect(script.takeEvents() == [.suspected(node: 1)])
        script.wait(.milliseconds(500))
        #expect(script.takeEvents() == [.died(try member(script, 1))])
        #expect(script.bucket.records[1]?.value == nil)
    }

    @Test("A node whose subject has no responders twice is suspected before the lease is over")
    func noResponders() {
        var script = script(others: 2)
        _ = script.takeEvents()
        script.listens = false
        script.others[1]?.speaks = false
        script.wait(.milliseconds(550))
        #expect(script.asked == [1])
        #expect(script.takeEvents() == [])
        script.wait(.milliseconds(300))
        #expect(script.asked == [1, 1])
        #expect(script.takeEvents() == [.suspected(node: 1)])
    }

    @Test("A node that somebody listens for is asked for once, and suspected by the lease only")
    func responders() {
        var script = script(others: 1)
        script.others[1]?.speaks = false
        script.wait(.milliseconds(800))
        #expect(script.asked == [1])
        #expect(!script.membership.isSuspected(1))
    }

    @Test("A node that another one still hears is suspected and not dead")
    func heardByOthers() throws {
        var script = script(others: 2)
        script.others[1]?.speaks = false
        for number in 1_000..<1_200 {
            let identity = Heartbeat.Identity(node: 1, run: 1)
            script.others[2]?.echoes = [Heartbeat.Echo(identity: identity, number: UInt64(number))]
            script.wait(.milliseconds(150))
        }
        #expect(script.membership.isSuspected(1))
        #expect(script.membership.others.count == 2)
        script.wait(.milliseconds(9_500))
        #expect(script.membership.others.count == 2)
        script.wait(.milliseconds(1_000))
        #expect(script.membership.others.count == 1, "the last news of it is as old as that")
    }

    @Test("A run that is superseded is over before the next one has joined")
    func superseded() throws {
        var script = script(others: 1)
        let first = try member(script, 1)
        _ = script.takeEvents()
        script.put(1, run: 2)
        #expect(script.takeEvents() == [.died(first), .joined(try member(script, 1))])
        script.delete(1)
        #expect(script.takeEvents() == [.died(try member(script, 1))])
    }

    @Test("A node that leaves is over at once, and its record goes if it did not delete it itself")
    func leaves() throws {
        var script = script(others: 2)
        _ = script.takeEvents()
        script.others[1]?.isLeaving = true
        script.wait(.milliseconds(200))
        #expect(script.takeEvents() == [.died(try member(script, 1))])
        script.others[1]?.speaks = false
        script.wait(.seconds(2))
        #expect(script.takeEvents() == [])
        #expect(script.bucket.records[1]?.value == nil)

        script.leave()
        #expect(script.last?.isLeaving == true)
        #expect(script.bucket.records[0]?.value == nil)
        #expect(script.membership.nextDeadline == .distantFuture)
    }

    @Test("A node that retires says so at once and stays a member, and each run of another one that does is told once")
    func retires() throws {
        var script = script(others: 2)
        _ = script.takeEvents()
        script.others[1]?.isRetiring = true
        script.wait(.milliseconds(400))
        #expect(script.takeEvents() == [.retiring(node: 1)])
        #expect(script.membership.isRetiring(1) && !script.membership.isRetiring(2))
        #expect(script.membership.others.count == 2)
        // Its next run serves again.
        let first = try member(script, 1)
        script.put(1, run: 2)
        script.wait(.milliseconds(200))
        #expect(script.takeEvents() == [.died(first), .joined(try member(script, 1))])
        #expect(!script.membership.isRetiring(1))

        script.retire()
        #expect(script.last?.isRetiring == true && script.last?.isLeaving == false)
        script.wait(.seconds(1))
        #expect(script.last?.isRetiring == true)
        #expect(script.membership.member != nil && script.holdsLease)
    }

    @Test("Without its own heartbeats a node suspects nobody, holds no lease, and is isolated at 0.6 of deadAfter")
    func cutOff() throws {
        var script = script(others: 2)
        _ = script.takeEvents()
        script.isHearing = false
        for node in [1, 2] { script.others[node]?.speaks = false }
        script.wait(.milliseconds(650))
        #expect(!script.holdsLease)
        script.hasBucket = false
        script.wait(.milliseconds(5_200))
        #expect(script.takeEvents() == [])
        script.wait(.milliseconds(300))
        #expect(script.takeEvents() == [.isolated])
        #expect(script.membership.member == nil && script.membership.others.isEmpty)
        #expect(script.last?.identity == nil)

        // It takes a new run under its number when it is back.
        script.isHearing = true
        script.hasBucket = true
        script.wait(.milliseconds(300))
        let own = try #require(script.membership.member)
        #expect(own.node == 0 && own.run == 8)
        #expect(
            script.takeEvents() == [.admitted(own), .joined(try member(script, 1)), .joined(try member(script, 2))]
        )
    }

    @Test("A process that stood still for 0.6 of deadAfter finds out first of all that it is isolated")
    func paused() {
        for others in [0, 2] {
            var script = MembershipScript()
            for node in 0..<others { script.put(node + 1, run: 1) }
            script.join()
            script.wait(.seconds(1))
            _ = script.takeEvents()
            script.pause(.milliseconds(5_000))
            script.wait(.milliseconds(300))
            #expect(script.takeEvents().contains(.isolated) == false)
            script.pause(.milliseconds(6_500))
            script.put(9, run: 1)
            #expect(script.takeEvents().first == .isolated)
        }
    }

    @Test("A node whose record is gone, or another one's, is isolated")
    func recordGone() {
        var script = script(others: 1)
        script.delete(0)
        #expect(isolations(&script) == 1)
        script.wait(.milliseconds(300))
        #expect(script.membership.member?.run == 8)
        script.put(0, run: 99)
        #expect(isolations(&script) == 1)
        script.wait(.milliseconds(300))
        #expect(script.membership.member?.node == 2)
    }

    @Test("Of two processes with one data folder the first is over")
    func copiedFolder() {
        var script = script(others: 1)
        script.put(0, run: 99, token: "mine")
        #expect(isolations(&script) == 1)
        script.wait(.seconds(20))
        #expect(script.membership.member == nil)
        #expect(script.refusals.first?.contains("a copy of this node's data folder") == true)
    }

    @Test("With the echo of more than half a node is safe without the bucket")
    func majority() {
        var script = script(others: 2)
        script.hasBucket = false
        script.others[1]?.hears = false
        script.wait(.seconds(60))
        #expect(isolations(&script) == 0)
    }

    @Test("Without the echo of more than half a node confirms its record, and is isolated if it cannot")
    func confirms() {
        var script = script(others: 1)
        let revision = script.bucket.records[0]?.revision ?? 0
        script.others[1]?.hears = false
        script.wait(.seconds(20))
        #expect((script.bucket.records[0]?.revision ?? 0) >= revision + 8)
        #expect(isolations(&script) == 0)
        script.hasBucket = false
        script.wait(.milliseconds(8_100))
        #expect(isolations(&script) == 1)
    }

    @Test("A confirmation that another node sees is a sign of life")
    func confirmation() throws {
        var script = script(others: 2)
        let member = try member(script, 1)
        script.others[1]?.speaks = false
        for _ in 0..<5 {
            script.wait(.seconds(5))
            script.put(1, run: 1, speaks: false)
        }
        #expect(script.membership.others.contains(member))
        #expect(script.membership.isSuspected(1))
    }

    @Test("Less than half of the members wait longer before they declare the others dead")
    func few() {
        var script = script(others: 2)
        for node in [1, 2] { script.others[node]?.speaks = false }
        script.wait(.seconds(29))
        #expect(script.membership.others.count == 2)
        script.wait(.seconds(3))
        #expect(script.membership.others.isEmpty)
        #expect(isolations(&script) == 0)
    }

    @Test("A node without an echo holds no lease until it suspects the one that does not hear it")
    func lease() {
        var script = script(others: 2)
        script.others[1]?.hears = false
        script.wait(.milliseconds(900))
        #expect(!script.holdsLease)
        script.others[1]?.speaks = false
        script.wait(.milliseconds(1_200))
        #expect(script.membership.isSuspected(1))
        #expect(script.holdsLease)
        script.others[2]?.hears = false
        script.others[2]?.speaks = false
        script.wait(.milliseconds(1_200))
        #expect(!script.holdsLease, "it is one of three")
    }

    @Test("A write whose answer is lost is the same write again, and counts if it was stored")
    func lostAnswer() {
        var script = MembershipScript()
        script.hasBucket = false
        script.join()
        #expect(script.membership.member == nil)
        script.hasBucket = true
        script.wait(.milliseconds(700))
        #expect(script.membership.member?.run == 7)
    }

    @Test("A bucket that is lost is one more reason to take a new run")
    func lostBucket() {
        var script = script(others: 1)
        script.membership.recordsAreLost(script.now)
        script.carryOut()
        #expect(isolations(&script) == 1)
        script.wait(.seconds(1))
        #expect(script.membership.member == nil)
        script.membership.recordsAreCurrent(script.now)
        script.wait(.milliseconds(300))
        #expect((script.membership.member?.run ?? 0) > 7)
    }
}
