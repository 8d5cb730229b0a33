import NATSClient
import NIOCore
import Testing

@Suite struct KeyValueBucketTests {
    @Test("A bucket is a stream as NATS's own tools make it") func names() throws {
        let bucket = try #require(KeyValueBucket(name: "members"))
        let stream = bucket.configuration(replicas: 3)
        #expect(
            stream.name == "KV_members" && stream.subjects == ["$KV.members.>"] && stream.maximumMessagesPerSubject == 1
        )
        let subject = try #require(bucket.subject(of: "node.1"))
        #expect(subject.description == "$KV.members.node.1" && bucket.key(of: subject.octets) == "node.1")
        #expect(bucket.key(of: ByteBuffer(string: "$KV.others.node.1")) == nil)
        for key in ["", "*", "a.>", "a b", "a..b"] { #expect(bucket.subject(of: key) == nil) }
        for name in ["", "a.b", "a b", "*", String(repeating: "a", count: 65)] {
            #expect(KeyValueBucket(name: name) == nil)
        }
    }

    @Test("A deleted key is told from one with a value") func deleted() throws {
        let bucket = try #require(KeyValueBucket(name: "members"))
        let subject = try #require(bucket.subject(of: "a"))
        #expect(KeyValueBucket.isDeleted(bucket.delete(subject, expecting: 3).publication.headers))
        #expect(!KeyValueBucket.isDeleted(bucket.put(ByteBuffer(), for: subject, expecting: 3).publication.headers))
        #expect(KeyValueBucket.isDeleted(HeaderBlock([("KV-Operation", "PURGE")])) && !KeyValueBucket.isDeleted(nil))
    }
}
