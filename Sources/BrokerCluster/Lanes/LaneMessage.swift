package import NIOCore

/// A message of a lane in its stream: a term record, by which a run takes the lead, or a batch of the run that leads.
///
/// Integers are big endian:
///
///     kind       1 octet: 1 term record, 2 batch
///     term       8
///     previous   8   the sequence of the lane's message before; 0: there is none
///     node       1   the writer's
///     run        8
///     term record: 1 octet length, and the node's name in UTF-8
///     batch: all that follows
package struct LaneMessage: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        /// - Parameter name: the node's name, for people.
        case term(name: String)
        case batch(ByteBuffer)
    }

    package var term: UInt64
    /// The sequence of the lane's message before, so that a replay sees what is missing.
    package var previous: UInt64
    package var leader: LaneLeader
    package var content: Content

    /// Octets before the content.
    package static let headSize = 26
    /// Octets of a node's name at most; the rest of a longer one is left out.
    package static let longestName = 64

    package init(term: UInt64, previous: UInt64, leader: LaneLeader, content: Content) {
        self.term = term
        self.previous = previous
        self.leader = leader
        self.content = content
    }

    private enum Kind {
        static let term: UInt8 = 1
        static let batch: UInt8 = 2
    }

    /// Reads a message; a batch is a slice of it.
    package init(_ octets: ByteBuffer) throws(LaneMessageError) {
        var rest = octets
        guard let kind: UInt8 = rest.readInteger() else { throw .malformed }
        guard kind == Kind.term || kind == Kind.batch else { throw .unknownKind }
        guard let (term, previous, node, run) = rest.readMultipleIntegers(as: (UInt64, UInt64, UInt8, UInt64).self),
            term > 0, node <= 31
        else { throw .malformed }
        self.term = term
        self.previous = previous
        leader = LaneLeader(node: Int(node), run: run)
        guard kind == Kind.term else {
            content = .batch(rest.slice())
            return
        }
        guard let length: UInt8 = rest.readInteger(), length <= Self.longestName, rest.readableBytes == Int(length),
            let name = String(validating: rest.readableBytesView, as: UTF8.self)
        else { throw .malformed }
        content = .term(name: name)
    }

    /// The message as it is stored.
    package var octets: ByteBuffer {
        var octets = ByteBuffer()
        switch content {
        case .term(let name):
            let name = Self.shortened(name)
            octets.reserveCapacity(Self.headSize + 1 + name.utf8.count)
            writeHead(Kind.term, to: &octets)
            octets.writeInteger(UInt8(truncatingIfNeeded: name.utf8.count))
            octets.writeString(name)
        case .batch(let batch):
            octets.reserveCapacity(Self.headSize + batch.readableBytes)
            writeHead(Kind.batch, to: &octets)
            octets.writeImmutableBuffer(batch)
        }
        return octets
    }

    private func writeHead(_ kind: UInt8, to octets: inout ByteBuffer) {
        octets.writeInteger(kind)
        octets.writeMultipleIntegers(term, previous, UInt8(truncatingIfNeeded: leader.node), leader.run)
    }

    private static func shortened(_ name: String) -> String {
        var name = name
        while name.utf8.count > longestName { name.removeLast() }
        return name
    }
}

/// Why octets are no message of a lane.
package enum LaneMessageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A kind of message that this version does not know.
    case unknownKind
    case malformed

    package var description: String {
        switch self {
        case .unknownKind: "is of a kind that this version does not know"
        case .malformed: "has not the form of a message of a lane"
        }
    }
}
