import Testing

@testable import BrokerAccess

@Suite struct PasswordHashingTests {
    private func hexadecimal(_ bytes: [UInt8]) -> String { String(decoding: Hexadecimal.digits(bytes), as: UTF8.self) }

    /// FIPS 180-4's example "abc", from NIST's "Examples with Intermediate Values".
    @Test(arguments: [
        (PasswordHashing.Digest.plain, "616263"),
        (.sha, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            .sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
    ])
    func digestsOfABC(digest: PasswordHashing.Digest, expected: String) throws {
        let hashing = { (position: PasswordHashing.SaltPosition) in PasswordHashing(.digest(digest, position)) }
        #expect(hexadecimal(try hashing(.disable).hash(Array("abc".utf8), salt: Array("salt".utf8))) == expected)
        #expect(hexadecimal(try hashing(.prefix).hash(Array("bc".utf8), salt: Array("a".utf8))) == expected)
        #expect(hexadecimal(try hashing(.suffix).hash(Array("ab".utf8), salt: Array("c".utf8))) == expected)
    }

    /// RFC 6070 §2 and RFC 3962 appendix B for SHA-1, RFC 7914 §11 for SHA-256.
    @Test(arguments: [
        (PasswordHashing.MACFunction.sha, "password", "salt", 1, 20, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
        (.sha, "password", "salt", 2, 20, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
        (
            .sha, "password", "ATHENA.MIT.EDUraeburn", 2, 32,
            "01dbee7f4a9e243e988b62c73cda935da05378b93244ec8f48a99e61ad799d86"
        ),
        (.sha, "password", "salt", 4096, 20, "4b007901b765489abead49d926f721d065a429c1"),
        (
            .sha, "passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, 25,
            "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"
        ),
        (
            .sha256, "passwd", "salt", 1, 64,
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                + "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
        ),
    ])
    func keysOfPBKDF2(
        function: PasswordHashing.MACFunction,
        password: String,
        salt: String,
        iterations: Int,
        length: Int,
        expected: String
    ) throws {
        let hashing = PasswordHashing(.pbkdf2(function, iterations: iterations, derivedKeyLength: length))
        #expect(hexadecimal(try hashing.hash(Array(password.utf8), salt: Array(salt.utf8))) == expected)
    }

    @Test func derivedKeyIsAsLongAsTheFunctionGivesUnlessSaid() throws {
        for (function, length) in [(PasswordHashing.MACFunction.sha, 20), (.sha256, 32), (.sha384, 48), (.sha512, 64)] {
            let hashing = PasswordHashing(.pbkdf2(function, iterations: 1, derivedKeyLength: nil))
            #expect(try hashing.hash([1], salt: [2]).count == length)
            #expect(hashing.length == length)
        }
    }

    @Test func costIsThatOfManyIterations() {
        #expect(!PasswordHashing(.digest(.sha512, .prefix)).isCostly)
        #expect(!PasswordHashing(.pbkdf2(.sha256, iterations: 100, derivedKeyLength: nil)).isCostly)
        #expect(PasswordHashing(.pbkdf2(.sha256, iterations: 4096, derivedKeyLength: nil)).isCostly)
    }
}
