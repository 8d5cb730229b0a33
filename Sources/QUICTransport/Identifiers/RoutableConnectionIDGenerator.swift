/// A generator of identifiers by which every socket of a node, and load balancers with the key, find the owning endpoint.
///
/// An identifier has 17 octets as in QUIC-LB (draft-ietf-quic-load-balancers). Octet 0 has the codepoint of the secret and
/// the masked worker. `IdentifierLayout` follows, encrypted as one AES-128 block unless load balancers have to read it.
package final class RoutableConnectionIDGenerator: QUICConnectionIDGenerator {
    /// The number of workers that octet 0 can name.
    package static let maximumWorkers = 32
    /// The codepoints of secrets; 0b111 means an identifier that cannot be routed.
    package static let rotations = 0...6

    package let count = 1 + IdentifierBlock.count

    private let layout: IdentifierLayout
    private var place: IdentifierPlace
    /// Former runs of this process, whose connections may go on, the newest last.
    private var former: [RelayNode] = []
    /// Former runs that are remembered.
    private static let formerCount = 8
    /// Whether there are identifiers of this run.
    private var hasMade = false
    private let workers: Int
    /// The codepoint of the secret that new identifiers are made with.
    private var rotation: Int
    /// Masks and ciphers by codepoint, `nil` where there is no secret.
    private var keys: [Keys?]
    private var issuing: Keys
    private let isEncrypted: Bool
    private var nonce: IdentifierNonce

    /// What is derived from one secret for identifiers.
    private struct Keys {
        let mask: IdentifierMask
        /// `nil` for identifiers in clear.
        let cipher: BlockCipher?
    }

    /// - Parameters:
    ///   - worker: number of the endpoint among those of its port, below `workers`.
    ///   - workers: endpoints of the port, 1 ... 32.
    /// - Throws: `.engine` if the TLS library lacks AES.
    init(
        _ configuration: QUICIdentifierConfiguration,
        ring: KeyRing,
        worker: Int,
        of workers: Int,
        nonce: IdentifierNonce = IdentifierNonce()
    ) throws(QUICError) {
        self.place = IdentifierPlace(
            node: configuration.node,
            incarnation: configuration.incarnation,
            worker: UInt8(truncatingIfNeeded: worker)
        )
        self.workers = workers
        self.layout = if case .aws(let serverID) = configuration.mode { .aws(serverID: serverID) } else { .routable }
        self.nonce = nonce
        self.rotation = ring.rotation
        self.isEncrypted = configuration.mode == .encrypted
        (self.keys, self.issuing) = try Self.keys(ring, isEncrypted: self.isEncrypted)
    }

    private static func keys(_ ring: KeyRing, isEncrypted: Bool) throws(QUICError) -> (all: [Keys?], issuing: Keys) {
        var all: [Keys?] = []
        for rotation in Self.rotations {
            guard let secret = ring[rotation] else {
                all.append(nil)
                continue
            }
            all.append(Keys(mask: secret.mask, cipher: isEncrypted ? try BlockCipher(key: secret.identifiers) : nil))
        }
        guard case let issuing?? = all[safely: ring.rotation] else {
            throw .configuration("identifiers.rotation must be 0 to 6, not \(ring.rotation)")
        }
        return (all, issuing)
    }

    package func use(_ ring: KeyRing) throws(QUICError) {
        (self.keys, self.issuing) = try Self.keys(ring, isEncrypted: self.isEncrypted)
        self.rotation = ring.rotation
    }

    package func make() -> QUICConnectionID {
        self.hasMade = true
        var block = self.layout.block(self.place, self.nonce.next())
        self.issuing.cipher?.encrypt(&block)
        return QUICConnectionID(
            UInt8(self.rotation) << 5 | self.place.worker ^ self.issuing.mask.value(self.maskedWord(of: block)),
            block
        )
    }

    package func origin(of identifier: QUICConnectionID) -> QUICConnectionIDOrigin {
        guard let place = self.decode(identifier) else { return .unknown }
        guard place.run == self.place.run || self.former.contains(place.run) else {
            return .run(place.run, rotation: self.rotation(of: identifier))
        }
        if place.worker == self.place.worker { return .own }
        return place.worker < self.workers ? .worker(Int(place.worker)) : .unknown
    }

    package func beginRun(_ run: RelayNode) {
        guard run != self.place.run else { return }
        if self.hasMade { self.former.append(self.place.run) }
        if self.former.count > Self.formerCount { self.former.removeFirst() }
        self.hasMade = false
        self.place.node = run.number
        self.place.incarnation = run.incarnation
    }

    /// The place that an identifier was made for; `nil` if it was made with none of the secrets.
    func decode(_ identifier: QUICConnectionID) -> IdentifierPlace? {
        guard let parts = identifier.parts, case let keys?? = self.keys[safely: Int(parts.first >> 5)] else {
            return nil
        }
        var block = parts.block
        let worker = parts.first & 0x1f ^ keys.mask.value(self.maskedWord(of: block))
        keys.cipher?.decrypt(&block)
        // The worker is there twice; identifiers of other origin mostly show by two different workers.
        guard let place = self.layout.place(in: block, node: self.place.node), place.worker == worker else {
            return nil
        }
        return place
    }

    package var steering: IdentifierSteering? {
        IdentifierSteering(mask: self.issuing.mask, maskedOffset: self.maskedOffset, count: self.count)
    }

    private func rotation(of identifier: QUICConnectionID) -> Int { Int((identifier.parts?.first ?? 0) >> 5) }

    /// Four octets that differ between identifiers: the first of the ciphertext, or the last of the nonce in clear.
    private var maskedOffset: Int { self.issuing.cipher == nil ? 13 : 1 }

    private func maskedWord(of block: IdentifierBlock) -> UInt32 {
        UInt32(truncatingIfNeeded: self.issuing.cipher == nil ? block.low : block.high >> 32)
    }
}

extension Array {
    fileprivate subscript(safely index: Int) -> Element? { self.indices.contains(index) ? self[index] : nil }
}
