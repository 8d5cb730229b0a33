import Foundation
package import NIOCore

/// The value of a node's key in the bucket of members: JSON. Keys of a later version are passed over.
package struct MemberRecord: Equatable, Sendable {
    package let member: Member
    /// The identity of the data folder, by which a node that restarts knows its own record.
    package let token: String

    /// Octets of a record at most; a longer one is nobody's.
    static let longest = 16_384
    /// Runs are lower, so that there is always a higher one.
    static let highestRun: UInt64 = 1 << 62

    package init(_ member: Member, token: String) {
        self.member = member
        self.token = token
    }

    /// Reads a record; `nil` for one that cannot be read, or is another node's.
    package init?(_ json: ByteBuffer, node: Int) {
        guard json.readableBytes <= Self.longest else { return nil }
        guard let form = try? JSONDecoder().decode(Form.self, from: Data(json.readableBytesView)) else { return nil }
        guard form.node == node, (0..<Heartbeat.maximumNodes).contains(node), form.run < Self.highestRun,
            (1...32).contains(form.shards), form.format >= 1
        else { return nil }
        token = form.token
        member = Member(
            node: node,
            run: form.run,
            name: form.name,
            shards: form.shards,
            relay: form.relay.flatMap(\.place),
            format: form.format
        )
    }

    package var json: ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ByteBuffer(bytes: (try? encoder.encode(Form(self))) ?? Data())
    }

    private struct Form: Codable {
        let node: Int
        let run: UInt64
        let token: String
        let name: String
        let shards: Int
        let format: Int
        let relay: Relay?

        init(_ record: MemberRecord) {
            node = record.member.node
            run = record.member.run
            token = record.token
            name = record.member.name
            shards = record.member.shards
            format = record.member.format
            relay = record.member.relay.map { Relay(host: $0.host, port: $0.port, boot_salt: Data($0.bootSalt)) }
        }

        struct Relay: Codable {
            let host: String
            let port: Int
            let boot_salt: Data

            /// `nil` for a place that no datagram can be sent to.
            var place: Member.RelayPlace? {
                guard (1...65_535).contains(port), boot_salt.count == 32, !host.isEmpty else { return nil }
                return Member.RelayPlace(host: host, port: port, bootSalt: Array(boot_salt))
            }
        }
    }
}
