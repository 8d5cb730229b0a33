import MQTTCodec
import Testing

@testable import MQTTBroker

// What has to hold of a cluster once everything has healed, and nothing is under way.
extension ClusterRun {
    func check() {
        for publisher in publishers {
            #expect(publisher.isIdle, "\(publisher.name) has all its answers")
            for subscriber in subscribers { checkDelivery(from: publisher, to: subscriber) }
        }
        checkWills()
        if !hasSuspicion, !hasResets {
            #expect(roamer.received.isSuperset(of: roamer.due), "what was published between SUBACK and UNSUBSCRIBE")
        }
        checkSessions()
        checkConnections()
        checkLanes()
        checkRetained()
        for seat in broker.shards { checkRest(of: seat) }
    }

    // MARK: - Clients

    private func checkDelivery(from publisher: DurablePublisher, to subscriber: DurableSubscriber) {
        let who = "\(publisher.name) to \(subscriber.name)"
        let received = subscriber.received.filter { $0.hasPrefix("\(publisher.name):") }
        let atMostOnce = received.filter { $0.hasPrefix("\(publisher.name):0:") }
        #expect(Set(atMostOnce).count == atMostOnce.count, "once at QoS 0, \(who)")
        for qos in [QualityOfService.atLeastOnce, .exactlyOnce] {
            let came = received.filter { $0.hasPrefix("\(publisher.name):\(qos.rawValue):") }
            let sent = subscriber.wants(publisher.topic(qos)) ? publisher.sent(qos) : []
            var seen: Set<String> = []
            let first = came.filter { seen.insert($0).inserted }
            if qos == .exactlyOnce { #expect(came == first, "once, \(who)") }
            #expect(seen.isSuperset(of: sent), "\(who)")
            #expect(first == sent, "in order, \(who)")
        }
    }

    private func checkWills() {
        for subscriber in subscribers where subscriber.wants("will") {
            let wills = subscriber.received.filter { $0.hasPrefix("will ") }
            #expect(Set(wills).isSubset(of: mortal.wills.keys), "\(wills) at \(subscriber.name)")
            let exactlyOnce = wills.filter { mortal.wills[$0] == .exactlyOnce }
            #expect(Set(exactlyOnce).count == exactlyOnce.count, "\(wills) at \(subscriber.name)")
            #expect(wills.contains(mortal.lastWill), "\(wills) at \(subscriber.name)")
        }
    }

    /// Each client with a connection has one session in all nodes, which has that connection and no other.
    private func checkSessions() {
        let sessions = broker.sessions.filter { $0.parent == nil }
        for name in publishers.map(\.name) + subscribers.map(\.name) + [roamer.name] {
            let own = sessions.filter { $0.clientIdentifier.string == name }
            #expect(own.count == 1, "\(name) has one session in all nodes")
            let isAttached = own.first?.connection.map { $0.isDeputy && !$0.isClosed } ?? false
            #expect(isAttached, "\(name) is connected")
        }
        for visitor in visitors {
            let own = sessions.filter { $0.clientIdentifier.string == visitor.name }
            if visitor.isExpiring { #expect(own.isEmpty, "the session of \(visitor.name) has expired") }
            guard visitor.isPromised, visitor.isLasting else { continue }
            #expect(own.count == 1, "the session of \(visitor.name)")
            guard let isSubscribed = visitor.isSubscribed else { continue }
            #expect(own.first?.subscriptions.isEmpty == !isSubscribed, "the subscription of \(visitor.name)")
        }
    }

    /// Each client identifier has one connection in all nodes, and each durable one of them its deputy at the leader of the lane.
    private func checkConnections() {
        var clients: [String: Int] = [:]
        var durable: Set<ConnectionReference> = []
        for seat in broker.shards {
            for connection in seat.shard.connections.all where !connection.isClosed {
                let remote = connection.remoteSession
                let client = remote?.clientIdentifier ?? connection.session?.clientIdentifier
                #expect(client != nil, "a connection has no session")
                clients[client?.string ?? "", default: 0] += 1
                guard let remote else { continue }
                durable.insert(connection.reference)
                let deputy = broker.shards[broker.seat(of: remote.home)].shard.deputies[connection.reference]
                #expect(deputy != nil, "\(remote.clientIdentifier.string) has a deputy")
                #expect(!remote.isResuming, "\(remote.clientIdentifier.string) goes on")
                let (octets, identifiers) = (remote.unsettled?.octets, remote.unsettled?.outstanding.count)
                #expect(octets == 0 && identifiers == 0, "all of \(remote.clientIdentifier.string) is settled")
            }
        }
        for (client, count) in clients.sorted(by: { $0.key < $1.key }) {
            #expect(count == 1, "connections of \(client)")
        }
        let deputies = broker.shards.flatMap { Array($0.shard.deputies.keys) }
        #expect(deputies.count == durable.count, "each connection has one deputy")
        #expect(Set(deputies).symmetricDifference(durable).isEmpty, "deputies are those of connections")
        #expect(twins.count == 1, "the last twin stays")
        #expect(twins.isAccepted, "the last twin is accepted")
    }

    // MARK: - Lanes

    /// Each lane has one leader, which all shards name, and which has the newest term.
    private func checkLanes() {
        for lane in Lane.all {
            let named = Set(broker.shards.map { $0.shard.lanes.leader(of: lane) })
            let terms = Set(broker.shards.map { $0.shard.lanes.term(of: lane) })
            let lead = broker.cluster?.lanes[lane.index].lead
            #expect(named.count == 1 && terms.count == 1, "lane \(lane.number) has one leader")
            #expect(named.first??.node == lead.map { UInt8(broker.node(ofSeat: $0.seat)) })
            #expect(terms.first == lead?.term)
        }
    }

    private func checkRetained() {
        let late = broker.connect("late", on: seat())
        late.subscribe("load/#", qos: .atMostOnce)
        let payloads = late.takePayloads()
        for publisher in publishers {
            let last = publisher.lastRetained.filter { !publisher.sentAgain.contains($0) }
            let found = payloads.filter { $0.hasPrefix("\(publisher.name):") && !publisher.sentAgain.contains($0) }
            #expect(Set(found).isSubset(of: last), "retained of \(publisher.name)")
            #expect(payloads.filter { $0.hasPrefix("\(publisher.name):") }.count == publisher.lastRetained.count)
        }
    }

    /// Nothing waits, and nothing is left of what has moved.
    private func checkRest(of seat: SimulatedBroker.Seat) {
        let awaited = seat.shard.lanes.awaitedCount
        #expect(awaited == 0, "nothing is owed by other shards")
        let isEmpty = seat.shard.lanes.limbo.isEmpty
        #expect(isEmpty, "nothing waits for leaders")
        for connection in seat.shard.connections.all + Array(seat.shard.deputies.values) {
            #expect(connection.withheld?.isEmpty ?? true, "no acknowledgement is withheld")
            #expect(
                connection.pendingConnect == nil && connection.pendingSubscribe == nil,
                "nobody waits for an answer"
            )
        }
        let outboxes = Lane.all.filter { !seat.shard.lanes[$0].outbox.entries.isEmpty }.map(\.number)
        #expect(outboxes.isEmpty, "outboxes are empty")
        let dirty = Lane.all.filter { !seat.shard.lanes[$0].isClean }.map(\.number)
        #expect(dirty.isEmpty, "everything is committed")
    }
}
