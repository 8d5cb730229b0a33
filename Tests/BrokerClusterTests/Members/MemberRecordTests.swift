import BrokerCluster
import NIOCore
import Testing

@Suite struct MemberRecordTests {
    private func record(run: UInt64 = 9) -> MemberRecord {
        let relay = Member.RelayPlace(host: "fd00::1", port: 14_568, bootSalt: Array(0..<32))
        let member = Member(node: 3, run: run, name: "Größe \"3\"", shards: 32, relay: relay, format: 2)
        return MemberRecord(member, token: "folder")
    }

    @Test("A record is read as it was written")
    func roundTrip() { #expect(MemberRecord(record().json, node: 3) == record()) }

    @Test("Keys of a later version are passed over")
    func later() {
        let json = #"{"node":3,"run":9,"token":"t","name":"n","shards":2,"format":7,"zone":{"a":[1]}}"#
        #expect(MemberRecord(ByteBuffer(string: json), node: 3)?.member.format == 7)
    }

    @Test(
        "A record that cannot be meant is none",
        arguments: [
            "", "{", "[]", #"{"node":3}"#,
            #"{"node":2,"run":9,"token":"t","name":"n","shards":2,"format":1}"#,
            #"{"node":3,"run":9,"token":"t","name":"n","shards":0,"format":1}"#,
            #"{"node":3,"run":18446744073709551615,"token":"t","name":"n","shards":2,"format":1}"#,
            #"{"node":3,"run":-1,"token":"t","name":"n","shards":2,"format":1}"#,
            #"{"node":3,"run":9,"token":"t","name":"n","shards":2,"format":0}"#,
        ]
    )
    func refuses(json: String) { #expect(MemberRecord(ByteBuffer(string: json), node: 3) == nil) }

    @Test("A record is bounded")
    func bound() {
        let name = String(repeating: "x", count: 20_000)
        let member = Member(node: 3, run: 1, name: name, shards: 1, relay: nil, format: 1)
        #expect(MemberRecord(MemberRecord(member, token: "t").json, node: 3) == nil)
    }
}
