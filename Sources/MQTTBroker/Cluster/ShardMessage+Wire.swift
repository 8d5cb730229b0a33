import MQTTCodec
package import NIOCore

/// The octets of messages between shards of different nodes: the kind of a message, then its fields. Numbers are LEB128 unless they have a
/// width.
extension ShardMessage {
    /// The first octet of a message.
    fileprivate enum Kind: UInt8 {
        case publish = 1
        case retain, stored, outboxReached, announce, announced, findRetained, foundRetained, cancelLookUp
        case claim, create, refuse, evict, ended, toHome, toConnection
        case interest, interestChange, leads, introduced, holds, lost
        case resume, missing, asks, answers, forgot
    }

    fileprivate enum ToHomeKind: UInt8 {
        case opened = 1
        case packets, taken, addressChanged, finished, parted, abandoned
    }

    fileprivate enum ToConnectionKind: UInt8 {
        case attached = 1
        case output, heldUp, ended, settled, resumed, lost
    }

    /// What a message of the kind `publish` has in its second octet.
    private struct PublishFlags: OptionSet {
        let rawValue: UInt8

        static let isForTransient = Self(rawValue: 1)
        static let isAgain = Self(rawValue: 2)
        static let hasReceipt = Self(rawValue: 4)
        static let hasOrigin = Self(rawValue: 8)

        init(rawValue: UInt8) { self.rawValue = rawValue }

        init(_ scope: LaneScope, hasOrigin: Bool, hasReceipt: Bool) {
            var flags: Self = []
            if scope.isForTransient { flags.insert(.isForTransient) }
            if scope.isAgain { flags.insert(.isAgain) }
            if hasReceipt { flags.insert(.hasReceipt) }
            if hasOrigin { flags.insert(.hasOrigin) }
            self = flags
        }

        /// `nil` for flags that nobody knows yet.
        init?(of octet: UInt8) {
            guard octet <= 15 else { return nil }
            self.init(rawValue: octet)
        }
    }

    /// Appends messages, one behind the other.
    package static func write(_ messages: [ShardMessage], to buffer: inout ByteBuffer, now: Instant) {
        // A span lends the messages: a copy of each would cost as much as writing it.
        let messages = messages.span
        for index in messages.indices { messages[index].write(to: &buffer, now: now) }
    }

    /// Reads the messages that lie behind each other.
    ///
    /// - Returns: `nil` if the octets are not such messages.
    package static func read(from buffer: inout ByteBuffer, now: Instant) -> [ShardMessage]? {
        var messages: [ShardMessage] = []
        while buffer.readableBytes > 0 {
            guard let message = ShardMessage(from: &buffer, now: now) else { return nil }
            messages.append(message)
        }
        return messages
    }

    private func write(to buffer: inout ByteBuffer, now: Instant) {
        func begin(_ kind: Kind) { buffer.writeInteger(kind.rawValue) }
        switch body {
        case .publish(let publish, let publisher, let origin, let scope, let receipt):
            let start = buffer.writerIndex
            buffer.writeMultipleIntegers(
                Kind.publish.rawValue,
                PublishFlags(scope, hasOrigin: origin != nil, hasReceipt: receipt != 0).rawValue,
                scope.source.node,
                scope.source.shard,
                publisher,
                scope.lanes
            )
            if receipt != 0 { buffer.writeLEB128(receipt) }
            if let origin { buffer.writeOrigin(origin) }
            buffer.writePublish(publish, behindHeadAt: start)
        case .retain(let publish, let origin, let isAgain, let receipt):
            let start = buffer.writerIndex
            begin(.retain)
            buffer.writeFlag(isAgain)
            buffer.writeLEB128(receipt)
            buffer.writeFlag(origin != nil)
            if let origin { buffer.writeOrigin(origin) }
            buffer.writePublish(publish, behindHeadAt: start)
        case .stored(let number):
            begin(.stored)
            buffer.writeLEB128(number)
        case .missing(let number, let lanes):
            begin(.missing)
            buffer.writeLEB128(number)
            buffer.writeInteger(lanes)
        case .outboxReached(let lane, let number):
            begin(.outboxReached)
            buffer.writeInteger(lane.number)
            buffer.writeLEB128(number)
        case .announce(let requester, let asker):
            begin(.announce)
            buffer.writeRequester(requester)
            buffer.writeShard(asker)
        case .announced(let requester):
            begin(.announced)
            buffer.writeRequester(requester)
        case .findRetained(let filters, let limit, let requester):
            begin(.findRetained)
            buffer.writeRequester(requester)
            buffer.writeLEB128(UInt64(max(0, limit)))
            buffer.writeLEB128(UInt64(filters.count))
            for filter in filters { buffer.writeText(filter.key.string) }
        case .foundRetained(let found, let isLast, let requester):
            begin(.foundRetained)
            buffer.writeRequester(requester)
            buffer.writeFlag(isLast)
            buffer.writeLEB128(UInt64(found.count))
            for found in found {
                buffer.writeLEB128(UInt64(found.filter))
                buffer.writeFound(found.message, now: now)
            }
        case .cancelLookUp(let requester):
            begin(.cancelLookUp)
            buffer.writeRequester(requester)
        case .claim(let claim, let term):
            begin(.claim)
            buffer.writeClaim(claim)
            buffer.writeLEB128(term)
        case .resume(let claim, let resumption):
            begin(.resume)
            buffer.writeClaim(claim)
            buffer.write(resumption)
        case .create(let claim):
            begin(.create)
            buffer.writeClaim(claim)
        case .refuse(let reference, let reason):
            begin(.refuse)
            buffer.writeReference(reference)
            buffer.writeInteger(reason.rawValue)
        case .evict(let reference, let client):
            begin(.evict)
            buffer.writeReference(reference)
            buffer.writeText(client.string)
        case .ended(let client, let reference):
            begin(.ended)
            buffer.writeReference(reference)
            buffer.writeText(client.string)
        case .toHome(let reference, let message):
            begin(.toHome)
            buffer.writeReference(reference)
            message.write(to: &buffer)
        case .toConnection(let reference, let message):
            begin(.toConnection)
            buffer.writeReference(reference)
            message.write(to: &buffer)
        case .cluster(let message): message.write(to: &buffer)
        // Within a node only.
        case .quarantine, .interest: return
        }
    }

    private init?(from buffer: inout ByteBuffer, now: Instant) {
        guard let kind = buffer.readInteger().flatMap({ Kind(rawValue: $0) }) else { return nil }
        switch kind {
        case .publish:
            guard let publish = Self.readPublish(from: &buffer) else { return nil }
            body = publish
        case .retain:
            guard let isAgain = buffer.readFlag(), let receipt = buffer.readLEB128(),
                let hasOrigin = buffer.readFlag(), let origin = buffer.readOrigin(if: hasOrigin),
                let publish = buffer.readPublish()
            else { return nil }
            body = .retain(publish, origin: origin.value, isAgain: isAgain, receipt: receipt)
        case .stored:
            guard let number = buffer.readLEB128() else { return nil }
            body = .stored(number)
        case .missing:
            guard let number = buffer.readLEB128(), let lanes: UInt64 = buffer.readInteger() else { return nil }
            body = .missing(number, lanes: lanes)
        case .outboxReached:
            guard let lane = buffer.readInteger().flatMap({ Lane(number: $0) }), let number = buffer.readCount() else {
                return nil
            }
            body = .outboxReached(lane, number)
        case .announce:
            guard let requester = buffer.readRequester(), let asker = buffer.readShard() else { return nil }
            body = .announce(requester, by: asker)
        case .announced, .cancelLookUp:
            guard let requester = buffer.readRequester() else { return nil }
            body = kind == .announced ? .announced(requester) : .cancelLookUp(of: requester)
        case .findRetained:
            guard let requester = buffer.readRequester(), let limit = buffer.readSize(), let count = buffer.readSize(),
                count <= buffer.readableBytes
            else { return nil }
            var filters: [TopicFilter] = []
            for _ in 0..<count {
                guard let filter = buffer.readFilter() else { return nil }
                filters.append(filter)
            }
            body = .findRetained(filters, atMost: limit, for: requester)
        case .foundRetained:
            guard let requester = buffer.readRequester(), let isLast = buffer.readFlag(),
                let count = buffer.readSize(), count <= buffer.readableBytes
            else { return nil }
            var found: [RetainedLookUp.Found] = []
            for _ in 0..<count {
                guard let filter = buffer.readSize(), let message = buffer.readFound(now: now) else { return nil }
                found.append(.init(filter: filter, message: message))
            }
            body = .foundRetained(found, isLast: isLast, for: requester)
        case .create:
            guard let claim = buffer.readClaim() else { return nil }
            body = .create(claim)
        case .claim:
            guard let claim = buffer.readClaim(), let term = buffer.readLEB128() else { return nil }
            body = .claim(claim, term: term)
        case .resume:
            guard let claim = buffer.readClaim(), let resumption = buffer.readResumption() else { return nil }
            body = .resume(claim, resumption)
        case .refuse:
            guard let reference = buffer.readReference(), let reason: UInt8 = buffer.readInteger() else { return nil }
            body = .refuse(reference, ReasonCode(rawValue: reason))
        case .evict, .ended:
            guard let reference = buffer.readReference(), let client = buffer.readText().map({ UTF8Key($0) }) else {
                return nil
            }
            body = kind == .evict ? .evict(reference, of: client) : .ended(client, of: reference)
        case .toHome:
            guard let reference = buffer.readReference(), let message = Self.readToHome(from: &buffer) else {
                return nil
            }
            body = .toHome(reference, message)
        case .toConnection:
            guard let reference = buffer.readReference(), let message = Self.readToConnection(from: &buffer) else {
                return nil
            }
            body = .toConnection(reference, message)
        case .interest, .interestChange, .leads, .lost, .introduced, .forgot, .holds, .asks, .answers:
            guard let message = Self.readCluster(kind, from: &buffer) else { return nil }
            body = .cluster(message)
        }
    }

    // MARK: - Connections and their homes

    private static func readToHome(from buffer: inout ByteBuffer) -> ToHome? {
        guard let kind = buffer.readInteger().flatMap({ ToHomeKind(rawValue: $0) }) else { return nil }
        switch kind {
        case .opened: return buffer.readReference().map { .opened($0) }
        case .packets:
            guard let isLast = buffer.readFlag(), let octets = buffer.readOctets() else { return nil }
            return .packets(octets, isLast: isLast)
        case .taken: return buffer.readSize().map { .taken($0) }
        case .addressChanged: return buffer.readAddress()?.value.map { .addressChanged($0) }
        case .finished: return .finished
        case .parted: return buffer.readFlag().map { .parted(publishesWill: $0) }
        case .abandoned: return .abandoned
        }
    }

    private static func readPublish(from buffer: inout ByteBuffer) -> Body? {
        guard let flags = buffer.readInteger().flatMap({ PublishFlags(of: $0) }), let source = buffer.readShard(),
            let (publisher, lanes) = buffer.readMultipleIntegers(as: (UInt64, UInt64).self),
            let receipt = flags.contains(.hasReceipt) ? buffer.readLEB128() : 0,
            let origin = buffer.readOrigin(if: flags.contains(.hasOrigin)),
            let publish = buffer.readPublish()
        else { return nil }
        let scope = LaneScope(
            lanes: lanes,
            isForTransient: flags.contains(.isForTransient),
            source: source,
            isAgain: flags.contains(.isAgain)
        )
        return .publish(publish, from: publisher, origin: origin.value, scope, receipt: receipt)
    }

    private static func readToConnection(from buffer: inout ByteBuffer) -> ToConnection? {
        guard let kind = buffer.readInteger().flatMap({ ToConnectionKind(rawValue: $0) }) else { return nil }
        switch kind {
        case .attached:
            guard let isPresent = buffer.readFlag(), let claim = buffer.readClaim() else { return nil }
            return .attached(claim, isPresent: isPresent)
        case .output:
            guard let answer = buffer.readInteger().flatMap({ Answer(rawValue: $0) }),
                let sent = buffer.readIdentifiers(), let octets = buffer.readOctets()
            else { return nil }
            return .output(Output(buffer: octets), sent: sent, answer: answer)
        case .settled: return buffer.readSize().map { .settled($0) }
        case .resumed: return buffer.readLEB128().map { .resumed($0) }
        case .lost: return .lost
        case .heldUp: return buffer.readFlag().map { .heldUp($0) }
        case .ended:
            guard let hasReason = buffer.readFlag() else { return nil }
            let reason = hasReason ? buffer.readInteger().map { ReasonCode(rawValue: $0) } : nil
            guard hasReason == (reason != nil), let octets = buffer.readOctets() else { return nil }
            return .ended(Output(buffer: octets), reason)
        }
    }

    // MARK: - Nodes and lanes

    private static func readCluster(_ kind: Kind, from buffer: inout ByteBuffer) -> ClusterMessage? {
        switch kind {
        case .interest:
            guard let node: UInt8 = buffer.readInteger(), let all = Interest.Buckets(from: &buffer),
                let durable = Interest.Buckets(from: &buffer)
            else { return nil }
            return .interest(of: node, Interest.Told(all: all, durable: durable))
        case .interestChange:
            guard let node: UInt8 = buffer.readInteger(), let bucket: UInt16 = buffer.readInteger(),
                let isInterested = buffer.readFlag(), let isDurable = buffer.readFlag()
            else { return nil }
            let change = Interest.Change(bucket: bucket, isInterested: isInterested, isDurable: isDurable)
            return .interestChange(of: node, change)
        case .leads, .lost:
            guard let shard = buffer.readShard(), let count: UInt8 = buffer.readInteger() else { return nil }
            var terms: [ClusterMessage.LaneTerm] = []
            for _ in 0..<count {
                guard let lane = buffer.readInteger().flatMap({ Lane(number: $0) }), let term = buffer.readLEB128()
                else { return nil }
                terms.append(.init(lane: lane, term: term))
            }
            return kind == .leads ? .leads(shard, terms) : .lost(shard, terms)
        case .introduced: return buffer.readInteger().map { .introduced($0) }
        case .asks:
            guard let shard = buffer.readShard(), let question = buffer.readLEB128() else { return nil }
            return .asks(shard, question)
        case .answers:
            guard let shard = buffer.readShard(), let asker = buffer.readShard(), let question = buffer.readLEB128()
            else { return nil }
            return .answers(shard, to: asker, question)
        case .forgot: return buffer.readInteger().map { .forgot($0) }
        case .holds:
            guard let reference = buffer.readReference(), let client = buffer.readText() else { return nil }
            return .holds(UTF8Key(client), reference)
        default: return nil
        }
    }
}

extension ShardMessage.ToHome {
    fileprivate func write(to buffer: inout ByteBuffer) {
        switch self {
        case .opened(let reference):
            buffer.writeInteger(ShardMessage.ToHomeKind.opened.rawValue)
            buffer.writeReference(reference)
        case .packets(let octets, let isLast):
            buffer.writeInteger(ShardMessage.ToHomeKind.packets.rawValue)
            buffer.writeFlag(isLast)
            buffer.writeOctets(octets)
        case .taken(let octets):
            buffer.writeInteger(ShardMessage.ToHomeKind.taken.rawValue)
            buffer.writeLEB128(UInt64(max(0, octets)))
        case .addressChanged(let address):
            buffer.writeInteger(ShardMessage.ToHomeKind.addressChanged.rawValue)
            buffer.writeAddress(address)
        case .finished: buffer.writeInteger(ShardMessage.ToHomeKind.finished.rawValue)
        case .parted(let publishesWill):
            buffer.writeInteger(ShardMessage.ToHomeKind.parted.rawValue)
            buffer.writeFlag(publishesWill)
        case .abandoned: buffer.writeInteger(ShardMessage.ToHomeKind.abandoned.rawValue)
        }
    }
}

extension ShardMessage.ToConnection {
    fileprivate func write(to buffer: inout ByteBuffer) {
        switch self {
        case .attached(let claim, let isPresent):
            buffer.writeInteger(ShardMessage.ToConnectionKind.attached.rawValue)
            buffer.writeFlag(isPresent)
            buffer.writeClaim(claim)
        case .resumed(let number):
            buffer.writeInteger(ShardMessage.ToConnectionKind.resumed.rawValue)
            buffer.writeLEB128(number)
        case .settled(let octets):
            buffer.writeInteger(ShardMessage.ToConnectionKind.settled.rawValue)
            buffer.writeLEB128(UInt64(max(0, octets)))
        case .output(let output, let sent, let answer):
            buffer.writeInteger(ShardMessage.ToConnectionKind.output.rawValue)
            buffer.writeInteger(answer.rawValue)
            buffer.writeIdentifiers(sent)
            buffer.writeOctets(output.octets)
        case .lost: buffer.writeInteger(ShardMessage.ToConnectionKind.lost.rawValue)
        case .heldUp(let isHeldUp):
            buffer.writeInteger(ShardMessage.ToConnectionKind.heldUp.rawValue)
            buffer.writeFlag(isHeldUp)
        case .ended(let output, let reason):
            buffer.writeInteger(ShardMessage.ToConnectionKind.ended.rawValue)
            buffer.writeFlag(reason != nil)
            if let reason { buffer.writeInteger(reason.rawValue) }
            buffer.writeOctets(output.octets)
        }
    }
}

extension ClusterMessage {
    fileprivate func write(to buffer: inout ByteBuffer) {
        switch self {
        case .interest(let node, let told):
            buffer.writeInteger(ShardMessage.Kind.interest.rawValue)
            buffer.writeInteger(node)
            told.all.write(to: &buffer)
            told.durable.write(to: &buffer)
        case .interestChange(let node, let change):
            buffer.writeInteger(ShardMessage.Kind.interestChange.rawValue)
            buffer.writeInteger(node)
            buffer.writeInteger(change.bucket)
            buffer.writeFlag(change.isInterested)
            buffer.writeFlag(change.isDurable)
        case .leads(let shard, let terms), .lost(let shard, let terms):
            if case .leads = self {
                buffer.writeInteger(ShardMessage.Kind.leads.rawValue)
            } else {
                buffer.writeInteger(ShardMessage.Kind.lost.rawValue)
            }
            buffer.writeShard(shard)
            buffer.writeInteger(UInt8(clamping: terms.count))
            for item in terms.prefix(255) {
                buffer.writeInteger(item.lane.number)
                buffer.writeLEB128(item.term)
            }
        case .introduced(let node):
            buffer.writeInteger(ShardMessage.Kind.introduced.rawValue)
            buffer.writeInteger(node)
        case .asks(let shard, let question):
            buffer.writeInteger(ShardMessage.Kind.asks.rawValue)
            buffer.writeShard(shard)
            buffer.writeLEB128(question)
        case .answers(let shard, let asker, let question):
            buffer.writeInteger(ShardMessage.Kind.answers.rawValue)
            buffer.writeShard(shard)
            buffer.writeShard(asker)
            buffer.writeLEB128(question)
        case .forgot(let node):
            buffer.writeInteger(ShardMessage.Kind.forgot.rawValue)
            buffer.writeInteger(node)
        case .holds(let client, let reference):
            buffer.writeInteger(ShardMessage.Kind.holds.rawValue)
            buffer.writeReference(reference)
            buffer.writeText(client.string)
        // Within a node only.
        case .joined, .suspected, .died, .lostLink, .lease: return
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func write(_ resumption: ShardMessage.Resumption) {
        writeLEB128(resumption.number)
        writeLEB128(resumption.term)
        writeIdentifiers(resumption.outstanding)
        writeFlag(resumption.isLast)
        writeFlag(resumption.isAcknowledged)
        writeOctets(resumption.packets)
    }

    fileprivate mutating func readResumption() -> ShardMessage.Resumption? {
        guard let number = readLEB128(), let term = readLEB128(), let outstanding = readIdentifiers(),
            let isLast = readFlag(), let isAcknowledged = readFlag(), let packets = readOctets()
        else { return nil }
        return ShardMessage.Resumption(
            number: number,
            term: term,
            outstanding: outstanding,
            packets: packets,
            isLast: isLast,
            isAcknowledged: isAcknowledged
        )
    }
}
