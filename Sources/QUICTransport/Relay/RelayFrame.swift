/// The head of a frame in which a node passes a QUIC datagram on to the node that has the connection, or passes an answer
/// back to the node that the client reaches. A third kind, the beat, tells another node that frames arrive.
///
/// ```
/// octet  0      00 version(3) kind(3): both top bits clear, which no packet of QUIC version 1 has
///        1      hops(2, always 1) 0 0 0 family(1, set for IPv6) ECN(2)
///        2      rotation(3) worker(5) at the ingress node: whose socket the client reaches
///        3      listener: the number of the QUIC listener that the client reaches
///        4-7    sender: node, incarnation
///        8-11   receiver: node, incarnation
///        12-19  number: sending worker (8 bits), counter (56 bits)
///        20-21  length of each datagram of a train but the last; 0 for one datagram
///        22-23  client's port
///        24-39  client's address, IPv4-mapped for IPv4
///        40-    datagram, as it was received or is to be sent
///        last 16 tag of AES-128-GCM, with all before it as associated data
/// ```
package struct RelayFrame: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        /// From the node that a datagram reached to the owner of its connection.
        case forward = 0
        /// From the owner to the node that the client reaches, which sends the datagram to it.
        case answer = 1
        /// From the relay of a node to that of another one: frames arrive, both ways or one way.
        case beat = 2
    }

    /// Octets before the datagram, after it, and both.
    package static let headerCount = 40
    package static let tagCount = 16
    package static let overhead = headerCount + tagCount
    /// The longest datagram of UDP over IPv4, which is the longest frame.
    package static let maximumCount = 65_507
    /// Datagrams of a train, as many as the kernel cuts (UDP_MAX_SEGMENTS).
    package static let maximumSegments = 64
    private static let version: UInt8 = 1
    /// The counter's part of a number.
    static let counterBits: UInt64 = 56

    package var kind: Kind
    package var hops: UInt8 = 1
    /// The number of the QUIC listener (`RelayListeners`).
    package var listener: UInt8
    /// The worker at the ingress node whose socket the client reaches, 0 to 31.
    package var worker: UInt8
    /// The codepoint of the secret that the key of the frame comes from, 0 to 6.
    package var rotation: UInt8
    /// 0 to 3 (RFC 3168 §5).
    package var ecn: UInt8
    package var sender: RelayNode
    package var receiver: RelayNode
    /// Different in all frames of the sender. Its upper 8 bits are the worker that sent the frame, so that loops count
    /// without each other (RFC 5116 §3.2).
    package var number: UInt64
    /// Octets of each datagram of a train except the last one, 0 for one datagram.
    package var segmentSize: UInt16 = 0
    package var client: RelayAddress

    package init(
        _ kind: Kind,
        from sender: RelayNode,
        to receiver: RelayNode,
        number: UInt64,
        worker: UInt8,
        listener: UInt8 = 0,
        client: RelayAddress,
        ecn: UInt8 = 0,
        rotation: UInt8 = 0
    ) {
        self.kind = kind
        self.sender = sender
        self.receiver = receiver
        self.number = number
        self.worker = worker
        self.listener = listener
        self.client = client
        self.ecn = ecn
        self.rotation = rotation
    }

    var sendingWorker: Int { Int(self.number >> Self.counterBits) }

    /// The datagram in a frame, or the room for it.
    package static func payload(of frame: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard frame.count > self.overhead else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
        return unsafe UnsafeRawBufferPointer(rebasing: frame[self.headerCount..<(frame.count - self.tagCount)])
    }

    /// The octets in a beat instead of a datagram: one, whose lowest bit says that beats of the receiver arrive.
    static let beatCount = 1
    private static let beatOctet: UInt8 = 0x40

    static func beatOctet(hears: Bool) -> UInt8 { Self.beatOctet | (hears ? 1 : 0) }

    /// Whether the sender of a beat says that the receiver's beats arrive there.
    static func hears(inBeat frame: UnsafeRawBufferPointer) -> Bool {
        unsafe Self.payload(of: frame).first == Self.beatOctet(hears: true)
    }

    // MARK: Octets

    /// Writes the head around a datagram that lies in its place already.
    ///
    /// - Parameter frame: all octets of the frame, more than `overhead`.
    package func write(into frame: UnsafeMutableRawBufferPointer) {
        unsafe frame[0] = Self.version << 3 | self.kind.rawValue
        unsafe frame[1] = self.hops << 6 | (self.client.isIPv4 ? 0 : 4) | self.ecn & 3
        unsafe frame[2] = self.rotation << 5 | self.worker & 0x1f
        unsafe frame[3] = self.listener
        func store(_ value: some FixedWidthInteger & BitwiseCopyable, at offset: Int) {
            unsafe frame.storeBytes(of: value.bigEndian, toByteOffset: offset, as: type(of: value))
        }
        store(self.sender.number, at: 4)
        store(self.sender.incarnation, at: 6)
        store(self.receiver.number, at: 8)
        store(self.receiver.incarnation, at: 10)
        store(self.number, at: 12)
        store(self.segmentSize, at: 20)
        store(self.client.port, at: 22)
        store(self.client.high, at: 24)
        store(self.client.low, at: 32)
    }

    /// Reads the head of a frame, which need not be authentic.
    package init(_ frame: UnsafeRawBufferPointer) throws(RelayRefusal) {
        guard frame.count > Self.overhead else { throw .tooShort }
        guard frame.count <= Self.maximumCount else { throw .tooLong }
        guard unsafe frame[0] >> 3 == Self.version, let kind = unsafe Kind(rawValue: frame[0] & 7) else {
            throw .foreign
        }
        func load<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: Value.Type) -> Value {
            unsafe Value(bigEndian: frame.loadUnaligned(fromByteOffset: offset, as: type))
        }
        self.init(
            kind,
            from: RelayNode(number: load(4, as: UInt16.self), incarnation: load(6, as: UInt16.self)),
            to: RelayNode(number: load(8, as: UInt16.self), incarnation: load(10, as: UInt16.self)),
            number: load(12, as: UInt64.self),
            worker: unsafe frame[2] & 0x1f,
            listener: unsafe frame[3],
            client: RelayAddress(
                high: load(24, as: UInt64.self),
                low: load(32, as: UInt64.self),
                port: load(22, as: UInt16.self)
            ),
            ecn: unsafe frame[1] & 3,
            rotation: unsafe frame[2] >> 5
        )
        unsafe self.hops = frame[1] >> 6
        self.segmentSize = load(20, as: UInt16.self)
        guard unsafe frame[1] & 0b0011_1000 == 0, unsafe (frame[1] & 4 == 0) == self.client.isIPv4,
            self.hasFittingFields(frame.count - Self.overhead)
        else { throw .malformed }
        guard self.hops == 1, unsafe !Self.isFrame(Self.payload(of: frame)) else { throw .looping }
    }

    /// True if the numbers lie in their ranges and a train is one.
    ///
    /// - Parameter count: octets of the datagram, or of the train.
    private func hasFittingFields(_ count: Int) -> Bool {
        guard self.sendingWorker < RoutableConnectionIDGenerator.maximumWorkers,
            Int(self.rotation) <= RoutableConnectionIDGenerator.rotations.upperBound
        else { return false }
        if self.kind == .beat {
            return count == Self.beatCount && self.segmentSize == 0 && self.client == .none && self.ecn == 0
                && self.worker == 0 && self.listener == 0
        }
        guard self.segmentSize > 0 else { return true }
        let size = Int(self.segmentSize)
        return self.kind == .answer && size <= count && (count - 1) / size < Self.maximumSegments
    }

    /// True for octets that no packet of QUIC version 1 begins with (RFC 9000 §17.2, §17.3), but that each frame does.
    static func isFrame(_ datagram: UnsafeRawBufferPointer) -> Bool {
        unsafe datagram.first.map { $0 >> 6 == 0 } ?? true
    }
}
