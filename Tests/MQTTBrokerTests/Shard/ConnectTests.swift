import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct ConnectTests {
    @Test("CONNECT is answered by CONNACK first", arguments: ProtocolVersion.allCases)
    func acknowledged(version: ProtocolVersion) throws {  // [MQTT-3.2.0-1]
        let client = SimulatedBroker().connect("a", version: version)
        let acknowledgement = try client.connectAcknowledgement()
        #expect(acknowledgement.reasonCode == .success)
        #expect(!acknowledgement.sessionPresent)
        #expect(!client.isClosed)
    }

    @Test("A client of MQTT 5.0 is told the server's limits")
    func told() throws {
        var limits = Limits()
        limits.maximumQoS = .atLeastOnce
        limits.retainAvailable = false
        limits.wildcardSubscriptionAvailable = false
        limits.serverKeepAlive = 77
        let client = SimulatedBroker(limits: limits).connect("a", keepAlive: 10)
        let properties = try client.connectAcknowledgement().properties
        #expect(properties.maximumQoS == .atLeastOnce)  // [MQTT-3.2.2-9]
        #expect(properties.retainAvailable == false)
        #expect(properties.wildcardSubscriptionAvailable == false)
        #expect(properties.sharedSubscriptionAvailable == false)
        #expect(properties.serverKeepAlive == 77)  // [MQTT-3.1.2-21]
        #expect(properties.receiveMaximum == limits.maximumAwaitingRelease)
    }

    @Test("A client without identifier gets one, if its session is new")
    func assigned() throws {  // [MQTT-3.1.3-6], [MQTT-3.2.2-16]
        let broker = SimulatedBroker()
        let first = try broker.connect("").connectAcknowledgement().properties.assignedClientIdentifier
        let second = try broker.connect("", cleanStart: false).connectAcknowledgement().properties
            .assignedClientIdentifier
        #expect(first != nil && second != nil && first != second)
        #expect(try broker.connect("", version: .v3_1_1).connectAcknowledgement().reasonCode == .success)
        let refused = broker.connect("", version: .v3_1_1, cleanStart: false)
        // [MQTT-3.1.3-8] of MQTT 3.1.1
        #expect(try refused.connectAcknowledgement().reasonCode == .clientIdentifierNotValid)
        #expect(refused.isClosed)
    }

    @Test("Letters and digits, up to 23, are an identifier") func plainIdentifier() throws {  // [MQTT-3.1.3-5]
        let broker = SimulatedBroker()
        for identifier in ["0", "abcdefghijklmnopqrstuvw", "ABCDEFGHIJKLMNOPQRSTUVW", "xyzXYZ0123456789"] {
            for version in ProtocolVersion.allCases {
                let client = broker.connect(identifier, version: version)
                #expect(try client.connectAcknowledgement().reasonCode == .success)
            }
        }
    }

    @Test("A will that the server would not publish is refused") func will() throws {
        var limits = Limits()
        limits.maximumQoS = .atLeastOnce
        limits.retainAvailable = false
        let broker = SimulatedBroker(limits: limits)
        func answer(_ qos: QualityOfService, retain: Bool) throws -> ReasonCode {
            let topic = ByteBuffer(string: "w")
            let will = Connect.Will(topic: topic, payload: ByteBuffer(), qos: qos, retain: retain)
            return try broker.connect("s", will: will).connectAcknowledgement().reasonCode
        }
        #expect(try answer(.exactlyOnce, retain: false) == .qosNotSupported)  // [MQTT-3.2.2-12]
        #expect(try answer(.atLeastOnce, retain: true) == .retainNotSupported)  // [MQTT-3.2.2-13]
        #expect(try answer(.atLeastOnce, retain: false) == .success)
    }

    @Test("AUTH without a method in CONNECT is a protocol error") func authentication() {  // [MQTT-4.12.0-7]
        let client = SimulatedBroker().connect("s")
        client.send(octets: [0xF0, 0x00])
        #expect(client.disconnectReason == .protocolError)
    }

    @Test func clientIdentifierTooLong() throws {
        var limits = Limits()
        limits.maximumClientIdentifierLength = 4
        let broker = SimulatedBroker(limits: limits)
        #expect(try broker.connect("abcd").connectAcknowledgement().reasonCode == .success)
        #expect(try broker.connect("abcde").connectAcknowledgement().reasonCode == .clientIdentifierNotValid)
    }

    @Test("A connection without CONNECT is closed in time") func connectTimeout() {  // [MQTT-3.1.4-2]
        let broker = SimulatedBroker()
        let client = broker.open()
        broker.advance(by: .seconds(14))
        #expect(!client.isClosed)
        broker.advance(by: .seconds(1))
        #expect(client.isClosed)
        #expect(broker.counters.connectTimeouts == 1)
        #expect(broker.shards[0].shard.connectionCount == 0)
    }

    @Test("What is no CONNECT closes the connection") func noConnect() {  // [MQTT-3.1.0-1]
        let broker = SimulatedBroker()
        let client = broker.open()
        client.send(octets: [0xC0, 0x00])
        #expect(client.isClosed)
        let web = broker.open()
        web.send(octets: Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(web.isClosed)
    }

    @Test("A second CONNECT is a protocol error") func secondConnect() {  // [MQTT-3.1.0-2]
        let broker = SimulatedBroker()
        let client = broker.connect("a")
        client.send(.connect(Connect(clientIdentifier: "a")))
        #expect(client.disconnectReason == .protocolError)
        #expect(client.isClosed)
    }

    @Test("An unknown protocol level is refused in words that every version knows") func unknownLevel() throws {
        let client = SimulatedBroker().open(version: .v3_1_1)
        client.send(
            octets: [0x10, 0x0D, 0x00, 0x04] + Array("MQTT".utf8) + [0x09, 0x02, 0x00, 0x3C, 0x00, 0x01, 0x61]
        )
        #expect(try client.connectAcknowledgement().reasonCode == .unsupportedProtocolVersion)
        #expect(client.isClosed)
    }

    @Test("Enhanced authentication is refused") func enhancedAuthentication() throws {
        let client = SimulatedBroker().open()
        var connect = Connect(clientIdentifier: "a")
        connect.properties.authenticationMethod = "SCRAM-SHA-256"
        client.send(.connect(connect))
        #expect(try client.connectAcknowledgement().reasonCode == .badAuthenticationMethod)
    }

    @Test("Packets behind CONNECT wait for its answer", arguments: [1, 4]) func pipelined(shards: Int) throws {
        let broker = SimulatedBroker(shards: shards)
        let client = broker.open()
        client.send(
            .connect(Connect(clientIdentifier: "eager")),
            .subscribe(Subscribe(packetIdentifier: 7, subscriptions: [.init(topicFilter: "a")])),
            .publish(Publish(topic: ByteBuffer(string: "a"), payload: ByteBuffer(string: "1"))),
            .pingRequest
        )
        let kinds = client.takeAll()
        #expect(kinds.count == 4)
        guard case .connectAcknowledgement = kinds[0], case .subscribeAcknowledgement = kinds[1],
            case .publish = kinds[2], case .pingResponse = kinds[3]
        else {
            Issue.record("answers out of order: \(kinds)")
            return
        }
    }

    @Suite struct Keepalive {
        @Test("Silence of one and a half keep alives ends the connection") func timeout() {  // [MQTT-3.1.2-22]
            let broker = SimulatedBroker()
            let client = broker.connect("a", keepAlive: 10)
            broker.advance(by: .milliseconds(14_900))
            #expect(!client.isClosed)
            broker.advance(by: .milliseconds(200))
            #expect(client.isClosed)
            #expect(client.disconnectReason == .keepAliveTimeout)
        }

        @Test("Any packet counts") func kept() {
            let broker = SimulatedBroker()
            let client = broker.connect("a", keepAlive: 10)
            for _ in 0..<10 {
                broker.advance(by: .seconds(12))
                client.send(.pingRequest)
            }
            #expect(!client.isClosed)
            #expect(client.takeAll().filter { $0 == .pingResponse }.count == 10)  // [MQTT-3.12.4-1]
        }

        @Test("Zero turns it off") func off() {
            let broker = SimulatedBroker()
            let client = broker.connect("a", keepAlive: 0)
            broker.advance(by: .hours(48))
            #expect(!client.isClosed)
        }

        @Test("A long one is looked at in between, and holds") func long() {
            let broker = SimulatedBroker()
            let client = broker.connect("a", keepAlive: 300)
            broker.advance(by: .seconds(449))
            #expect(!client.isClosed)
            broker.advance(by: .seconds(2))
            #expect(client.isClosed)
        }
    }

    @Suite struct Authenticating {
        @Test func refused() throws {
            let broker = SimulatedBroker(authenticator: Authenticator { _, _ in .refused(.badUserNameOrPassword) })
            for version in ProtocolVersion.allCases {
                let client = broker.connect("a", version: version)
                #expect(try client.connectAcknowledgement().reasonCode == .badUserNameOrPassword)
                #expect(client.isClosed)
            }
        }

        @Test("A slow verdict holds what follows") func slow() throws {
            let broker = SimulatedBroker(authenticator: Authenticator { _, _ in .pending })
            let client = broker.connect("a")
            client.send(.pingRequest)
            #expect(client.inbox.isEmpty)
            broker.authenticated(client, .allowed)
            #expect(try client.connectAcknowledgement().reasonCode == .success)
            #expect(client.takeAll() == [.pingResponse])
        }

        @Test("A verdict for a connection that is gone changes nothing") func late() {
            let broker = SimulatedBroker(authenticator: Authenticator { _, _ in .pending })
            let client = broker.connect("a")
            broker.drop(client)
            let next = broker.connect("b")
            broker.authenticated(client, .allowed)
            #expect(next.inbox.isEmpty)
        }

        /// A client with a will whose verdict takes its time, and one that watches.
        private func slowlyDecided() -> (SimulatedBroker, watcher: SimulatedClient, client: SimulatedClient) {
            let broker = SimulatedBroker(
                authenticator: Authenticator { connect, _ in
                    connect.clientIdentifier == "slow" ? .pending : .allowed
                }
            )
            let watcher = broker.connect("watcher")
            watcher.subscribe("#")
            let will = Connect.Will(topic: ByteBuffer(string: "will"), payload: ByteBuffer(string: "gone"))
            return (broker, watcher, broker.connect("slow", will: will))
        }

        @Test("A client that has given up is not connected any more, and not missed") func givenUp() {
            let (broker, watcher, client) = slowlyDecided()
            broker.finish(client)
            broker.authenticated(client, .allowed)
            #expect(client.isClosed)
            #expect(client.inbox.isEmpty)
            #expect(watcher.takePayloads().isEmpty)
        }

        @Test("One that has said all of it is heard to the end, also when it is gone", arguments: [true, false])
        func heard(isGone: Bool) {
            let (broker, watcher, client) = slowlyDecided()
            client.publish("message", "hello")
            client.disconnect()
            if isGone { broker.drop(client) } else { broker.finish(client) }
            broker.authenticated(client, .allowed)
            #expect(watcher.takePayloads() == ["hello"])
            #expect(broker.shards[0].shard.connectionCount == 1)
        }

        @Test("Those that are gone and not heard yet are bounded") func unheard() {
            var limits = Limits()
            limits.maximumGoneConnections = 2
            let broker = SimulatedBroker(limits: limits, authenticator: Authenticator { _, _ in .pending })
            let clients = (0..<5).map { broker.connect("\($0)") }
            for client in clients {
                client.disconnect()
                broker.drop(client)
            }
            #expect(broker.counters.connectionsUnheard == 3)
            #expect(broker.shards[0].shard.connectionCount == 2)
            for client in clients { broker.authenticated(client, .allowed) }
            #expect(broker.shards[0].shard.connectionCount == 0)
            // There is room again.
            let client = broker.connect("again")
            client.disconnect()
            broker.drop(client)
            #expect(broker.counters.connectionsUnheard == 3)
        }

        @Test("What a client sends meanwhile is bounded") func bounded() {
            var limits = Limits()
            limits.maximumHeldBytes = 100
            let broker = SimulatedBroker(limits: limits, authenticator: Authenticator { _, _ in .pending })
            let client = broker.connect("a")
            #expect(!client.connection.isReadingPaused)
            for _ in 0..<60 { client.send(.pingRequest) }
            #expect(client.connection.isReadingPaused)
        }
    }

    @Test("Shutting down says so") func shutDown() throws {
        let broker = SimulatedBroker()
        let five = broker.connect("5")
        let three = broker.connect("3", version: .v3_1_1)
        let silent = broker.open()
        broker.shutDown()
        #expect(five.disconnectReason == .serverShuttingDown)
        #expect(five.isClosed && three.isClosed && silent.isClosed)
        #expect(three.disconnectReason == nil)
    }
}
