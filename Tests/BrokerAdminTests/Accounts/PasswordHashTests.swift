import BrokerCluster
import Foundation
import NIOCore
import SecretFixture
import Testing

@testable import BrokerAdmin

@Suite struct PasswordHashTests {
    @Test("The derivation is PBKDF2 with HMAC-SHA-256 (RFC 7914 §11)")
    func vector() async throws {
        let octets = try await PasswordHash.deriveOnPool("passwd", Array("salt".utf8), 1)
        #expect(RandomText.hexadecimal(octets) == "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc")
        let many = try await PasswordHash.deriveOnPool("Password", Array("NaCl".utf8), 80_000)
        #expect(RandomText.hexadecimal(many) == "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56")
    }

    @Test("A hash says how it was made, and matches its password only, also after it was stored")
    func matches() async throws {
        let derive = PasswordHash.deriveOnPool
        for hash in [
            try await PasswordHash.of(Marker.text, iterations: 3, derive), .of(randomSecret: Marker.text),
        ] {
            let json = try StatusJSON.write(hash)
            let read = try StatusJSON.read(PasswordHash.self, from: ByteBuffer(bytes: json))
            #expect(read == hash && read.salt.count == 16 && read.hash.count == 32)
            #expect(try await read.matches(Marker.text, derive))
            for other in ["", Marker.text + "x", String(Marker.text.dropLast())] {
                #expect(try await !read.matches(other, derive))
            }
            #expect(!Marker.isShown(by: hash) && !Marker.isIn(String(decoding: json, as: UTF8.self)))
            #expect(!"\(hash)".contains(hash.hash.base64EncodedString()))
        }
        #expect(try await PasswordHash.of("a", iterations: 3, derive).iterations == 3)
        #expect(AccountLimits().passwordIterations == 600_000)
        #expect(PasswordHash.of(randomSecret: "a") != .of(randomSecret: "a"))
    }

    @Test("Numbers of iterations that nobody has written are not counted to", arguments: [0, -1, .max])
    func hostile(iterations: Int) async throws {
        let json = #"{"algorithm":"pbkdf2-hmac-sha256","iterations":\#(iterations),"salt":"","hash":""}"#
        let hash = try StatusJSON.read(PasswordHash.self, from: ByteBuffer(string: json))
        #expect(try await !hash.matches("", PasswordHash.deriveOnPool))
    }

    @Test("Octets are compared to the last one")
    func constantTime() {
        #expect(ConstantTime.isEqual([1, 2], [1, 2]))
        for other: [UInt8] in [[1, 3], [0, 2], [1], [1, 2, 3], []] { #expect(!ConstantTime.isEqual([1, 2], other)) }
    }
}
