import MQTTCodec
import NIOCore

/// The octets of a record: its kind, a number, and further fields by kind. Numbers are LEB128 unless they have a width.
extension LaneRecord {
    /// The first octet of a record.
    private enum Kind: UInt8 {
        case session = 1
        case ended, attached, away, willPublished, stream, merged, subscribed, unsubscribed, message, sent, dropped
        case acknowledged, recorded, received, released, adopted, forgotten, passed, retained, removed, source
        case posted, orphaned, segmented, holder, retainedSource

        /// True if the number of the record is one of an outbox.
        var isCounted: Bool {
            switch self {
            case .message, .posted, .passed, .source, .retainedSource: true
            default: false
            }
        }
    }

    /// The largest position of a log and number of an outbox. Positions and numbers count up from 1, so that no run comes near it.
    static let maximumCount = UInt64.max / 2

    func write(to buffer: inout ByteBuffer, now: Instant) {
        func begin(_ kind: Kind, _ number: UInt64) {
            buffer.writeInteger(kind.rawValue)
            buffer.writeLEB128(number)
        }
        func begin(_ kind: Kind, _ number: UInt64, _ packetIdentifier: UInt16) {
            begin(kind, number)
            buffer.writeInteger(packetIdentifier)
        }
        switch self {
        case .session(let number, let client):
            begin(.session, number)
            buffer.writeText(client.string)
        case .ended(let number): begin(.ended, number)
        case .attached(let number, let expiryInterval, let will):
            begin(.attached, number)
            buffer.writeInteger(expiryInterval)
            buffer.writeWill(will)
        case .holder(let number, let connection):
            begin(.holder, number)
            buffer.writeReference(connection)
        case .away(let number, let since, let expiryInterval, let will, let due):
            begin(.away, number)
            buffer.writeInteger(since)
            buffer.writeInteger(expiryInterval)
            buffer.writeWill(will)
            if will != nil { buffer.writeInteger(due) }
        case .willPublished(let number): begin(.willPublished, number)
        case .stream(let number, let parent):
            begin(.stream, number)
            buffer.writeLEB128(parent)
        case .merged(let number): begin(.merged, number)
        case .subscribed(let number, let filter, let subscription):
            begin(.subscribed, number)
            buffer.writeText(filter.key.string)
            buffer.writeInteger(subscription.options.octet)
            buffer.writeLEB128(UInt64(subscription.identifier))
        case .unsubscribed(let number, let filter):
            begin(.unsubscribed, number)
            buffer.writeText(filter.key.string)
        case .message(let logged):
            begin(.message, logged.origin?.number ?? 0)
            if let origin = logged.origin { buffer.writeInteger(origin.lane.number) }
            buffer.writeMessage(logged.message, retain: false, now: now)
            buffer.writeLEB128(UInt64(logged.targets.count))
            for target in logged.targets { buffer.writeTarget(target) }
        case .sent(let number, let identifier): begin(.sent, number, identifier)
        case .dropped(let number, let count):
            begin(.dropped, number)
            buffer.writeLEB128(UInt64(count))
        case .segmented(let number, let segment, let taken):
            begin(.segmented, number)
            buffer.writeLEB128(segment.number)
            for count in [segment.left, segment.count, segment.byteCount, taken] { buffer.writeLEB128(UInt64(count)) }
        case .acknowledged(let number, let identifier): begin(.acknowledged, number, identifier)
        case .recorded(let number, let identifier): begin(.recorded, number, identifier)
        case .received(let number, let identifier, let publisher, let message, let retain, let outboxNumber):
            begin(.received, number, identifier)
            buffer.writeInteger(publisher)
            buffer.writeLEB128(outboxNumber)
            buffer.writeMessage(message, retain: retain, now: now)
        case .posted(let publisher, let message, let retain, let outboxNumber):
            begin(.posted, outboxNumber)
            buffer.writeInteger(publisher)
            buffer.writeMessage(message, retain: retain, now: now)
        case .released(let number, let identifier): begin(.released, number, identifier)
        case .adopted(let number, let identifier): begin(.adopted, number, identifier)
        case .orphaned(let number, let identifier): begin(.orphaned, number, identifier)
        case .forgotten(let number, let identifier): begin(.forgotten, number, identifier)
        case .passed(let number): begin(.passed, number)
        case .retained(let message):
            begin(.retained, 0)
            buffer.writeMessage(message, retain: true, now: now)
        case .removed(let topic):
            begin(.removed, 0)
            buffer.writeText(topic.string)
        case .source(let lane, let number):
            begin(.source, number)
            buffer.writeInteger(lane.number)
        case .retainedSource(let lane, let number):
            begin(.retainedSource, number)
            buffer.writeInteger(lane.number)
        }
    }

    /// Reads a record; `nil` if there is none that this release writes.
    init?(from buffer: inout ByteBuffer, now: Instant, memory: QueueMemory?) {
        guard let kind = buffer.readInteger().flatMap({ Kind(rawValue: $0) }), let number = buffer.readLEB128() else {
            return nil
        }
        if kind.isCounted, number > LaneRecord.maximumCount { return nil }
        func identified(_ make: (UInt64, UInt16) -> LaneRecord) -> LaneRecord? {
            buffer.readInteger().map { make(number, $0) }
        }
        let record: LaneRecord?
        switch kind {
        case .session: record = buffer.readText().map { .session(number, client: UTF8Key($0)) }
        case .ended: record = .ended(number)
        case .holder:
            guard let connection = buffer.readReference() else { return nil }
            record = .holder(number, connection)
        case .attached:
            guard let expiry: UInt32 = buffer.readInteger(), let will = buffer.readWill() else { return nil }
            record = .attached(number, expiryInterval: expiry, will: will.value)
        case .away:
            guard let since: Int64 = buffer.readInteger(), let expiry: UInt32 = buffer.readInteger(),
                let will = buffer.readWill(), let due: Int64 = will.value == nil ? 0 : buffer.readInteger()
            else { return nil }
            record = .away(number, since: since, expiryInterval: expiry, will: will.value, due: due)
        case .willPublished: record = .willPublished(number)
        case .stream: record = buffer.readLEB128().map { .stream(number, parent: $0) }
        case .merged: record = .merged(number)
        case .subscribed:
            guard let filter = buffer.readFilter(),
                let options = buffer.readInteger().flatMap({ SubscriptionOptions(octet: $0) }),
                let identifier = buffer.readLEB128().flatMap({ UInt32(exactly: $0) })
            else { return nil }
            record = .subscribed(number, filter, .init(options: options, identifier: identifier))
        case .unsubscribed: record = buffer.readFilter().map { .unsubscribed(number, $0) }
        case .message: record = buffer.readLogged(origin: number, now: now, memory: memory).map { .message($0) }
        case .sent: record = identified { .sent($0, packetIdentifier: $1) }
        case .dropped: record = buffer.readLEB128().flatMap { Int(exactly: $0) }.map { .dropped(number, count: $0) }
        case .segmented:
            guard let segment = buffer.readCount(), let left = buffer.readSize(), let count = buffer.readSize(),
                let octets = buffer.readSize(), let taken = buffer.readSize(), count > 0
            else { return nil }
            let place = StoredSegment.Place(number: segment, left: left, count: count, byteCount: octets)
            record = .segmented(number, place, taken: taken)
        case .acknowledged: record = identified { .acknowledged($0, packetIdentifier: $1) }
        case .recorded: record = identified { .recorded($0, packetIdentifier: $1) }
        case .received:
            guard let identifier: UInt16 = buffer.readInteger(), let publisher: UInt64 = buffer.readInteger(),
                let outboxNumber = buffer.readCount(), let (message, retain) = buffer.readMessage(now: now)
            else { return nil }
            record = .received(
                number,
                packetIdentifier: identifier,
                publisher: publisher,
                message,
                retain: retain,
                number: outboxNumber
            )
        case .posted:
            guard let publisher: UInt64 = buffer.readInteger(), let (message, retain) = buffer.readMessage(now: now)
            else {
                return nil
            }
            record = .posted(publisher: publisher, message, retain: retain, number: number)
        case .orphaned: record = identified { .orphaned($0, packetIdentifier: $1) }
        case .released: record = identified { .released($0, packetIdentifier: $1) }
        case .adopted: record = identified { .adopted($0, packetIdentifier: $1) }
        case .forgotten: record = identified { .forgotten($0, packetIdentifier: $1) }
        case .passed: record = .passed(number)
        case .retained: record = buffer.readMessage(now: now).map { .retained($0.message) }
        case .removed: record = buffer.readText().map { .removed(topic: UTF8Key($0)) }
        case .source: record = buffer.readInteger().flatMap { Lane(number: $0) }.map { .source($0, number: number) }
        case .retainedSource:
            record = buffer.readInteger().flatMap { Lane(number: $0) }.map { .retainedSource($0, number: number) }
        }
        guard let record else { return nil }
        self = record
    }
}

extension SubscriptionOptions {
    /// The options as SUBSCRIBE has them (MQTT 5.0 §3.8.3.1).
    var octet: UInt8 {
        maximumQoS.rawValue | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | retainHandling.rawValue << 4
    }

    init?(octet: UInt8) {
        guard octet < 0x40, let qos = QualityOfService(rawValue: octet & 3),
            let handling = RetainHandling(rawValue: octet >> 4)
        else { return nil }
        self.init(
            maximumQoS: qos,
            noLocal: octet & 4 != 0,
            retainAsPublished: octet & 8 != 0,
            retainHandling: handling
        )
    }
}

extension ByteBuffer {
    /// Limits that no filter exceeds which was ever accepted.
    private static let permissiveLimits: Limits = {
        var limits = Limits()
        limits.maximumTopicLevels = .max
        return limits
    }()

    mutating func writeLEB128(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(rest))
    }

    mutating func readLEB128() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let octet: UInt8 = readInteger(), shift < 63 || octet < 2 else { return nil }
            value |= UInt64(octet & 0x7f) << shift
            if octet < 0x80 { return value }
        }
        return nil
    }

    mutating func writeText(_ text: String) {
        writeLEB128(UInt64(text.utf8.count))
        writeString(text)
    }

    /// A position of a lane's log, or a number of an outbox.
    mutating func readCount() -> UInt64? {
        readLEB128().flatMap { $0 <= LaneRecord.maximumCount ? $0 : nil }
    }

    /// A number of things that are kept, or of their octets.
    mutating func readSize() -> Int? {
        readLEB128().flatMap { $0 <= UInt64(Int32.max) ? Int($0) : nil }
    }

    /// No text of MQTT is longer than 65,535 octets (MQTT 5.0 §1.5.4).
    mutating func readText() -> String? {
        guard let count = readLEB128().flatMap({ UInt16(exactly: $0) }), let octets = readSlice(length: Int(count))
        else {
            return nil
        }
        return String(validating: octets.readableBytesView, as: UTF8.self)
    }

    mutating func readFilter() -> TopicFilter? {
        readText().flatMap { try? TopicFilter($0, limits: Self.permissiveLimits) }
    }

    // MARK: - Messages

    /// A message is a PUBLISH packet of MQTT 5.0. If it expires, the instant follows, by the wall clock.
    fileprivate mutating func writeMessage(_ message: Message, retain: Bool, now: Instant) {
        let size = message.encoded.write(
            into: &self,
            version: .v5,
            qos: message.qos,
            packetIdentifier: 1,
            retain: retain
        )
        if size == 0 {
            writeExpired(message, retain: retain)
        } else if let expiry = message.expiry {
            writeInteger(now.wall(of: expiry))
        }
    }

    /// Writes a message that is too large for a packet of MQTT 5.0, as those of older versions and those with a topic alias may be:
    /// its place is kept by one that has expired.
    private mutating func writeExpired(_ message: Message, retain: Bool) {
        var publish = Publish(topic: message.encoded.topic, payload: ByteBuffer())
        publish.properties.values.messageExpiryInterval = 0
        let encoded = EncodedPublish(publish)
        encoded.write(into: &self, version: .v5, qos: message.qos, packetIdentifier: 1, retain: retain)
        writeInteger(Int64(0))
    }

    fileprivate mutating func readMessage(
        now: Instant,
        memory: QueueMemory? = nil
    ) -> (message: Message, retain: Bool)? {
        guard let publish = readPublish() else { return nil }
        let encoded = EncodedPublish(publish)
        var expiry: NIODeadline?
        if encoded.messageExpiryInterval != nil {
            guard let wall: Int64 = readInteger() else { return nil }
            expiry = now.monotonic(of: wall)
        }
        return (Message(copying: encoded, qos: publish.qos, expiry: expiry, in: memory), publish.retain)
    }

    mutating func readPublish() -> Publish? {
        var decoder = PacketDecoder(role: .client, maximumPacketSize: .max, version: .v5)
        guard case .publish(let publish)? = try? decoder.next(from: &self) else { return nil }
        return publish
    }

    fileprivate mutating func writeTarget(_ target: LoggedMessage.Target) {
        writeLEB128(target.session)
        let count = min(target.identifiers.count, 0x1f)
        writeInteger(UInt8(target.qos.rawValue) | (target.retain ? 4 : 0) | UInt8(count) << 3)
        writeInteger(target.packetIdentifier)
        if count == 0x1f { writeLEB128(UInt64(target.identifiers.count)) }
        for identifier in target.identifiers { writeLEB128(UInt64(identifier)) }
    }

    private mutating func readTarget() -> LoggedMessage.Target? {
        guard let session = readLEB128(), let octet: UInt8 = readInteger(),
            let qos = QualityOfService(rawValue: octet & 3), let packetIdentifier: UInt16 = readInteger(),
            let count = octet >> 3 == 0x1f ? readLEB128() : UInt64(octet >> 3), count <= readableBytes
        else { return nil }
        var identifiers: [UInt32] = []
        for _ in 0..<count {
            guard let identifier = readLEB128().flatMap({ UInt32(exactly: $0) }) else { return nil }
            identifiers.append(identifier)
        }
        return LoggedMessage.Target(
            session: session,
            qos: qos,
            retain: octet & 4 != 0,
            identifiers: identifiers,
            packetIdentifier: packetIdentifier
        )
    }

    /// - Parameter number: of the outbox; 0 for a message that comes from none.
    fileprivate mutating func readLogged(
        origin number: UInt64,
        now: Instant,
        memory: QueueMemory?
    ) -> LoggedMessage? {
        guard let origin = readOrigin(number), let (message, _) = readMessage(now: now, memory: memory),
            let count = readLEB128(),
            count <= readableBytes / 4
        else {
            return nil
        }
        var targets = ShortArray<LoggedMessage.Target>()
        for _ in 0..<count {
            guard let target = readTarget() else { return nil }
            targets.append(target)
        }
        return LoggedMessage(message, origin: origin.value, targets: targets)
    }

    // MARK: - Wills

    /// A will is a PUBLISH packet behind its delay, seconds and 1; 0 for no will.
    mutating func writeWill(_ will: Connect.Will?) {
        guard let will else {
            writeLEB128(0)
            return
        }
        let delay = will.properties.isEmpty ? 0 : will.properties.values.willDelayInterval ?? 0
        writeLEB128(UInt64(delay) + 1)
        let publish = Publish(topic: will.topic, payload: will.payload, properties: will.properties)
        let encoded = EncodedPublish(publish)
        encoded.write(into: &self, version: .v5, qos: will.qos, packetIdentifier: 1, retain: will.retain)
    }

    /// A will or its absence; `nil` if there is neither.
    mutating func readWill() -> (value: Connect.Will?, Void)? {
        guard let delay = readLEB128() else { return nil }
        if delay == 0 { return (nil, ()) }
        guard let delay = UInt32(exactly: delay - 1), let publish = readPublish() else { return nil }
        var will = Connect.Will(
            topic: publish.topic,
            payload: publish.payload,
            qos: publish.qos,
            retain: publish.retain,
            properties: publish.properties
        )
        if delay != 0 { will.properties.values.willDelayInterval = delay }
        return (Connect.Will(copying: will), ())
    }
}
