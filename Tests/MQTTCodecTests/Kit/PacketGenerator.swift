import MQTTCodec
import NIOCore

/// Random packets that `version` can say in full.
struct PacketGenerator {
    var random: SeededGenerator
    let version: ProtocolVersion

    init(seed: UInt64, version: ProtocolVersion) {
        random = SeededGenerator(seed: seed)
        self.version = version
    }

    /// A packet that a server may receive, CONNECT apart.
    mutating func forServer() -> Packet {
        switch int(0...(version == .v5 ? 7 : 6)) {
        case 0, 1: .publish(publish(fromServer: false))
        case 2: .acknowledgement(acknowledgement())
        case 3: .subscribe(subscribe())
        case 4: .unsubscribe(unsubscribe())
        case 5: .pingRequest
        case 6: .disconnect(disconnect(fromServer: false))
        default: .authentication(authentication())
        }
    }

    /// A packet that a client may receive.
    mutating func forClient() -> Packet {
        switch int(0...(version == .v5 ? 8 : 6)) {
        case 0, 1: .publish(publish(fromServer: true))
        case 2: .acknowledgement(acknowledgement())
        case 3: .connectAcknowledgement(connectAcknowledgement())
        case 4: .subscribeAcknowledgement(subscribeAcknowledgement())
        case 5: .unsubscribeAcknowledgement(unsubscribeAcknowledgement())
        case 6: .pingResponse
        case 7: .disconnect(disconnect(fromServer: true))
        default: .authentication(authentication())
        }
    }

    mutating func connect() -> Connect {
        var properties = Connect.Properties()
        if version == .v5 {
            properties.sessionExpiryInterval = maybe { $0.uint32() }
            properties.receiveMaximum = maybe { $0.identifier() }
            properties.maximumPacketSize = maybe { max($0.uint32(), 1) }
            properties.topicAliasMaximum = maybe { $0.uint16() }
            properties.requestResponseInformation = maybe { $0.bool() }
            properties.requestProblemInformation = maybe { $0.bool() }
            properties.userProperties = userProperties()
            properties.authenticationMethod = maybe { $0.text() }
            if properties.authenticationMethod != nil { properties.authenticationData = maybe { $0.binary() } }
        }
        var connect = Connect(version: version, clientIdentifier: text(), properties: properties)
        connect.isBridge = version != .v5 && bool()
        connect.cleanStart = bool()
        connect.keepAlive = uint16()
        connect.userName = maybe { $0.text() }
        if version == .v5 || connect.userName != nil { connect.password = maybe { $0.binary() } }
        connect.will = maybe { generator in
            Connect.Will(
                topic: generator.topic(),
                payload: generator.binary(),
                qos: generator.qos(),
                retain: generator.bool(),
                properties: generator.messageProperties { $0.willDelayInterval = $1.maybe { $0.uint32() } }
            )
        }
        return connect
    }

    mutating func connectAcknowledgement() -> ConnectAcknowledgement {
        guard version == .v5 else {
            let codes: [ReasonCode] = [
                .success, .unsupportedProtocolVersion, .clientIdentifierNotValid, .serverUnavailable,
                .badUserNameOrPassword, .notAuthorized,
            ]
            let code = codes[int(0...5)]
            return ConnectAcknowledgement(
                sessionPresent: version == .v3_1_1 && code == .success && bool(),
                reasonCode: code
            )
        }
        var properties = ConnectAcknowledgement.Properties()
        properties.sessionExpiryInterval = maybe { $0.uint32() }
        properties.receiveMaximum = maybe { $0.identifier() }
        properties.maximumQoS = maybe { $0.bool() ? .atLeastOnce : .atMostOnce }
        properties.retainAvailable = maybe { $0.bool() }
        properties.maximumPacketSize = maybe { max($0.uint32(), 1) }
        properties.assignedClientIdentifier = maybe { $0.text() }
        properties.topicAliasMaximum = maybe { $0.uint16() }
        properties.reasonString = maybe { $0.text() }
        properties.userProperties = userProperties()
        properties.wildcardSubscriptionAvailable = maybe { $0.bool() }
        properties.subscriptionIdentifiersAvailable = maybe { $0.bool() }
        properties.sharedSubscriptionAvailable = maybe { $0.bool() }
        properties.serverKeepAlive = maybe { $0.uint16() }
        properties.responseInformation = maybe { $0.text() }
        properties.serverReference = maybe { $0.text() }
        properties.authenticationMethod = maybe { $0.text() }
        properties.authenticationData = maybe { $0.binary() }
        let code: ReasonCode = bool() ? .success : .banned
        return ConnectAcknowledgement(
            sessionPresent: code == .success && bool(),
            reasonCode: code,
            properties: properties
        )
    }

    mutating func publish(fromServer: Bool) -> Publish {
        let qos = qos()
        return Publish(
            topic: topic(),
            payload: binary(),
            qos: qos,
            packetIdentifier: qos == .atMostOnce ? 0 : identifier(),
            retain: bool(),
            isDuplicate: qos != .atMostOnce && bool(),
            properties: messageProperties { values, generator in
                values.topicAlias = generator.maybe { $0.identifier() }
                if fromServer {
                    values.subscriptionIdentifiers = generator.several { UInt32($0.int(1...268_435_455)) }
                }
            }
        )
    }

    mutating func acknowledgement() -> PublishAcknowledgement {
        let kind = PublishAcknowledgement.Kind(rawValue: UInt8(int(4...7))) ?? .received
        return PublishAcknowledgement(
            kind,
            identifier(),
            reasonCode: version == .v5 && bool() ? .quotaExceeded : .success,
            properties: reasonProperties()
        )
    }

    mutating func subscribe() -> Subscribe {
        Subscribe(
            packetIdentifier: identifier(),
            subscriptions: several(least: 1) { generator in
                var options = SubscriptionOptions(maximumQoS: generator.qos())
                if generator.version == .v5 {
                    options.noLocal = generator.bool()
                    options.retainAsPublished = generator.bool()
                    options.retainHandling = [.send, .sendIfNew, .doNotSend][generator.int(0...2)]
                }
                return Subscribe.Subscription(topicFilter: generator.filter(), options: options)
            },
            subscriptionIdentifier: version == .v5 ? maybe { UInt32($0.int(1...268_435_455)) } : nil,
            userProperties: userProperties()
        )
    }

    mutating func subscribeAcknowledgement() -> SubscribeAcknowledgement {
        let codes: [ReasonCode] = [.grantedQoS0, .grantedQoS1, .grantedQoS2, .unspecifiedError, .topicFilterInvalid]
        return SubscribeAcknowledgement(
            packetIdentifier: identifier(),
            reasonCodes: several(least: 1) { codes[$0.int(0...($0.version == .v5 ? 4 : 3))] },
            properties: reasonProperties()
        )
    }

    mutating func unsubscribe() -> Unsubscribe {
        Unsubscribe(
            packetIdentifier: identifier(),
            topicFilters: several(least: 1) { $0.filter() },
            userProperties: userProperties()
        )
    }

    mutating func unsubscribeAcknowledgement() -> UnsubscribeAcknowledgement {
        UnsubscribeAcknowledgement(
            packetIdentifier: identifier(),
            reasonCodes: version == .v5 ? several(least: 1) { $0.bool() ? .success : .noSubscriptionExisted } : [],
            properties: reasonProperties()
        )
    }

    mutating func disconnect(fromServer: Bool) -> Disconnect {
        guard version == .v5 else { return Disconnect() }
        return Disconnect(
            reasonCode: bool() ? .normalDisconnection : .serverMoved,
            sessionExpiryInterval: fromServer ? nil : maybe { $0.uint32() },
            serverReference: maybe { $0.text() },
            properties: reasonProperties()
        )
    }

    mutating func authentication() -> Authentication {
        if bool() { return Authentication() }
        return Authentication(
            reasonCode: .continueAuthentication,
            method: text(),
            data: maybe { $0.binary() },
            properties: reasonProperties()
        )
    }

    private mutating func messageProperties(
        _ more: (inout PublishProperties.Values, inout Self) -> Void
    ) -> PublishProperties {
        guard version == .v5, bool() else { return PublishProperties() }
        var values = PublishProperties.Values()
        values.payloadIsUTF8 = maybe { $0.bool() }
        values.messageExpiryInterval = maybe { $0.uint32() }
        values.contentType = maybe { $0.text() }
        values.responseTopic = maybe { String(buffer: $0.topic()) }
        values.correlationData = maybe { $0.binary() }
        values.userProperties = userProperties()
        more(&values, &self)
        return PublishProperties(values)
    }

    private mutating func reasonProperties() -> ReasonProperties? {
        guard version == .v5, bool() else { return nil }
        return ReasonProperties(reasonString: text(), userProperties: userProperties())
    }

    private mutating func userProperties() -> [UserProperty] {
        guard version == .v5 else { return [] }
        return several { UserProperty(name: $0.text(), value: $0.text()) }
    }
}

/// The values that packets are made of.
extension PacketGenerator {
    mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    mutating func bool() -> Bool { Bool.random(using: &random) }
    mutating func uint16() -> UInt16 { UInt16.random(in: 0 ... .max, using: &random) }
    mutating func uint32() -> UInt32 { UInt32.random(in: 0 ... .max, using: &random) }
    mutating func identifier() -> UInt16 { UInt16.random(in: 1 ... .max, using: &random) }
    mutating func qos() -> QualityOfService { QualityOfService.allCases[int(0...2)] }

    mutating func maybe<Value>(_ value: (inout Self) -> Value) -> Value? { bool() ? value(&self) : nil }

    mutating func several<Value>(least: Int = 0, _ value: (inout Self) -> Value) -> [Value] {
        (0..<int(least...(least + 2))).map { _ in value(&self) }
    }

    /// Now and then long enough for a length of two or three octets.
    mutating func length() -> Int {
        switch int(0...19) {
        case 0: int(100...300)
        case 1: int(16_000...17_000)
        default: int(0...20)
        }
    }

    mutating func text() -> String {
        let alphabet: [Unicode.Scalar] = ["a", "Z", "0", "/", " ", "+", "#", "\u{1}", "é", "\u{FEFF}", "漢", "🕊"]
        var text = ""
        for _ in 0..<min(length(), 300) { text.unicodeScalars.append(alphabet[int(0...(alphabet.count - 1))]) }
        return text
    }

    mutating func filter() -> String { "f" + text() }

    mutating func topic() -> ByteBuffer {
        var topic = text()
        topic.unicodeScalars.removeAll { $0 == "+" || $0 == "#" }
        return ByteBuffer(string: "t" + topic)
    }

    mutating func binary() -> ByteBuffer {
        let count = length()
        return ByteBuffer(bytes: (0..<count).map { _ in UInt8.random(in: 0 ... .max, using: &random) })
    }
}
