import Testing

@testable import QUICTransport

/// The examples of RFC 9001, appendix A.
@Suite struct ProtectionKeyTests {
    private let pool = ExpandedKeys()

    @Test func initialSecrets() throws {
        let identifier = octets("8394c8f03e515708")
        let secrets = try #require(identifier.withUnsafeBytes { unsafe KeySchedule.initialSecrets($0) })
        #expect(
            octets(of: secrets.client) == octets("c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea")
        )
        #expect(
            octets(of: secrets.server) == octets("3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b")
        )
    }

    @Test(arguments: [
        (
            "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea", QUICCipher.aes128GCM,
            "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"
        ),
        (
            "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b", .aes128GCM,
            "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314"
        ),
        (
            "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b", .chacha20Poly1305,
            "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8", "e0459b3474bdd0e44a41c144",
            "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4"
        ),
    ])
    func keys(secret: String, cipher: QUICCipher, key: String, vector: String, header: String) {
        let labels: [(StaticString, String)] = [
            (KeySchedule.Label.key, key), (KeySchedule.Label.vector, vector), (KeySchedule.Label.header, header),
        ]
        for (label, wanted) in labels { #expect(expand(secret, label, cipher, wanted.count / 2) == octets(wanted)) }
    }

    @Test func keyUpdate() {
        let secret = "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b"
        #expect(
            expand(secret, KeySchedule.Label.update, .chacha20Poly1305, 32)
                == octets("1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9")
        )
    }

    @Test(arguments: [
        ("9f50449e04a0e810283a1e9933adedd2", QUICCipher.aes128GCM, "d1b1c98dd7689fb8ec11d242b123dc9b", "437b9aec36"),
        ("c206b8d9b9f0f37644430b490eeaa314", .aes128GCM, "2cd0991cd25b0aac406a5816b6394100", "2ec0d8356a"),
        (
            "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4", .chacha20Poly1305,
            "5e5cd55c41f69080575d7999c25a5bfb", "aefefe7d03"
        ),
    ])
    func headerMasks(key: String, cipher: QUICCipher, sample: String, mask: String) {
        let key = make(key, cipher, for: .headers)
        defer { key.delete() }
        var made = [UInt8](repeating: 0, count: ProtectionKey.maskCount)
        #expect(unsafe key.mask(&made, sample: octets(sample)))
        #expect(made == octets(mask))
    }

    @Test func aServersInitial() {
        let key = make("cf3a5331653c364c88f0f379b6067e37", .aes128GCM)
        defer { key.delete() }
        let plain = octets(
            """
            02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200130100002e0033\
            0024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304
            """
        )
        let sealed = octets(
            """
            5a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3\
            548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158\
            407dd074ee
            """
        )
        let header = octets("c1000000010008f067a5502a4262b50040750001")
        let nonce = octets("0ac1493ca1905853b0bba03f")
        #expect(seal(plain, key, nonce, header) == sealed)
        #expect(open(sealed, key, nonce, header) == plain)
    }

    @Test func aPacketOfOneOctet() {
        let key = make("c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8", .chacha20Poly1305)
        defer { key.delete() }
        let nonce = octets("e0459b3474bdd0e46d417eb0")
        let sealed = octets("655e5cd55c41f69080575d7999c25a5bfb")
        #expect(seal([1], key, nonce, octets("4200bff4")) == sealed)
        #expect(open(sealed, key, nonce, octets("4200bff4")) == [1])
    }

    // MARK: What is not authentic

    @Test(arguments: QUICCipher.allCases)
    func nothingForgedIsOpened(cipher: QUICCipher) {
        let key = make(String(repeating: "2a", count: 32), cipher)
        defer { key.delete() }
        let nonce = [UInt8](repeating: 3, count: ProtectionKey.nonceCount)
        let plain = Array("to be or not".utf8)
        let sealed = seal(plain, key, nonce, [1, 2])
        #expect(open(sealed, key, nonce, [1, 2]) == plain)
        for index in sealed.indices {
            var forged = sealed
            forged[index] ^= 0x80
            #expect(open(forged, key, nonce, [1, 2]) == nil)
        }
        #expect(open(sealed, key, nonce, [1, 3]) == nil)
        for count in [0, 1, ProtectionKey.tagCount - 1, ProtectionKey.tagCount, sealed.count - 1] {
            #expect(open(Array(sealed.prefix(count)), key, nonce, [1, 2]) == nil)
        }
    }

    // MARK: More keys than there is room for

    @Test func keysTakeTurnsInTheRoomThereIs() {
        let pool = ExpandedKeys(capacity: 3)
        let nonce = [UInt8](repeating: 3, count: ProtectionKey.nonceCount)
        let plain = [UInt8](repeating: 9, count: 100)
        let number: (Int) -> String = { String(repeating: $0 < 16 ? "0" + String($0, radix: 16) : "ff", count: 32) }
        let keys = (0..<10).map { make(number($0), .aes128GCM, in: pool) }
        let headers = (0..<10).map { make(number($0), .aes128GCM, for: .headers, in: pool) }
        let sealed = keys.map { seal(plain, $0, nonce, []) }
        #expect(Set(sealed).count == 10)
        for round in 0..<3 {
            for index in 0..<10 {
                let place = (index * 7 + round) % 10
                #expect(open(sealed[place], keys[place], nonce, []) == plain)
                var mask = [UInt8](repeating: 0, count: ProtectionKey.maskCount)
                var other = mask
                #expect(unsafe headers[place].mask(&mask, sample: Array(sealed[place].prefix(16))))
                let alone = make(number(place), .aes128GCM, for: .headers)
                #expect(unsafe alone.mask(&other, sample: Array(sealed[place].prefix(16))))
                alone.delete()
                #expect(mask == other)
            }
        }
        for index in stride(from: 0, to: 10, by: 2) { keys[index].delete() }
        for index in stride(from: 1, to: 10, by: 2) { #expect(open(sealed[index], keys[index], nonce, []) == plain) }
        for index in stride(from: 1, to: 10, by: 2) { keys[index].delete() }
        for key in headers { key.delete() }
    }

    @Test func aKeyServesItsPurposeOnly() {
        let key = make(String(repeating: "00", count: 32), .aes128GCM, for: .headers)
        defer { key.delete() }
        var room = [UInt8](repeating: 0, count: 17)
        let sealed = unsafe key.seal(
            UnsafeRawBufferPointer(start: nil, count: 0),
            into: &room,
            nonce: UnsafeRawBufferPointer(start: nil, count: 0),
            header: UnsafeRawBufferPointer(start: nil, count: 0)
        )
        #expect(!sealed)
    }

    // MARK: Tools

    private func make(
        _ key: String,
        _ cipher: QUICCipher,
        for purpose: ProtectionKey.Purpose = .packets,
        in pool: ExpandedKeys? = nil
    ) -> ProtectionKey {
        octets(key).withUnsafeBytes { unsafe ProtectionKey($0, cipher, for: purpose, in: pool ?? self.pool) }
    }

    private func expand(_ secret: String, _ label: StaticString, _ cipher: QUICCipher, _ count: Int) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: count)
        let made = octets(secret).withUnsafeBytes { secret in
            unsafe output.withUnsafeMutableBytes { unsafe KeySchedule.expand(secret, label, cipher, into: $0) }
        }
        return made ? output : []
    }

    private func seal(_ plain: [UInt8], _ key: ProtectionKey, _ nonce: [UInt8], _ header: [UInt8]) -> [UInt8] {
        var sealed = plain + [UInt8](repeating: 0, count: ProtectionKey.tagCount)
        let count = plain.count
        let done = sealed.withUnsafeMutableBufferPointer { room in
            nonce.withUnsafeBytes { nonce in
                header.withUnsafeBytes { header in
                    // In place, as the engine does it.
                    let plain = unsafe UnsafeRawBufferPointer(start: room.baseAddress, count: count)
                    guard let destination = room.baseAddress else { return false }
                    return unsafe key.seal(plain, into: destination, nonce: nonce, header: header)
                }
            }
        }
        return done ? sealed : []
    }

    private func open(_ sealed: [UInt8], _ key: ProtectionKey, _ nonce: [UInt8], _ header: [UInt8]) -> [UInt8]? {
        var plain = [UInt8](repeating: 0, count: sealed.count + 1)
        let done = plain.withUnsafeMutableBufferPointer { room in
            sealed.withUnsafeBytes { sealed in
                nonce.withUnsafeBytes { nonce in
                    header.withUnsafeBytes { header in
                        guard let destination = room.baseAddress else { return false }
                        return unsafe key.open(sealed, into: destination, nonce: nonce, header: header)
                    }
                }
            }
        }
        return done ? Array(plain.prefix(max(0, sealed.count - ProtectionKey.tagCount))) : nil
    }

    private func octets(of array: InlineArray<32, UInt8>) -> [UInt8] { array.indices.map { array[$0] } }

    private func octets(_ text: String) -> [UInt8] {
        let digits = Array(text.utf8)
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
    }
}
