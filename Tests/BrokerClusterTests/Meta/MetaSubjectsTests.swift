import NATSClient
import NIOCore
import Testing

@testable import BrokerCluster

@Suite struct MetaSubjectsTests {
    private let subjects: MetaSubjects

    init() throws {
        let cluster = try #require(ClusterName("fleet-1"))
        subjects = try #require(MetaSubjects(cluster))
    }

    @Test(
        "Any name can be a record's, up to the bound",
        arguments: ["a", "ab", "abc", "mqtt.max_packet_size", "a b\u{0}*>.é", String(repeating: "x", count: 512)]
    )
    func names(name: String) throws {
        let key = MetaKey(.configuration, name)
        let subject = try #require(subjects.subject(of: key))
        #expect(subject.description.hasPrefix("$KV.MARTLET_fleet-1_meta.config."))
        #expect(subjects.key(of: subject.octets) == .success(key))
    }

    @Test("Every kind can be part of a subject", arguments: MetaKind.allCases)
    func kinds(kind: MetaKind) throws {
        let subject = try #require(subjects.subject(of: MetaKey(kind, "a")))
        #expect(subject.description == "$KV.MARTLET_fleet-1_meta.\(kind.rawValue).YQ")
        #expect(subjects.key(of: subject.octets) == .success(MetaKey(kind, "a")))
    }

    @Test("What is no record's subject is none")
    func malformed() {
        for text in [
            "", "config", "config.", "config.YQ==", "config.YR", "config.Y", "config.YQ.YQ", "config._w", "config.Y Q",
        ] {
            let subject = ByteBuffer(string: "$KV.MARTLET_fleet-1_meta.\(text)")
            #expect(subjects.key(of: subject) == .failure(.malformed), "\(text)")
        }
        #expect(subjects.key(of: ByteBuffer(string: "$KV.MARTLET_other_meta.config.YQ")) == .failure(.malformed))
        #expect(subjects.key(of: ByteBuffer(string: "$KV.MARTLET_fleet-1_meta.ban.YQ")) == .failure(.unknownKind))
    }

    @Test("No octets are too strange to be read")
    func hostile() {
        var random = SeededGenerator(seed: 7)
        let prefix = Array("$KV.MARTLET_fleet-1_meta.config.".utf8)
        for _ in 0..<2_000 {
            let rest = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
            let start = Bool.random(using: &random) ? prefix : []
            _ = subjects.key(of: ByteBuffer(bytes: start + rest))
        }
    }
}
