import BrokerCluster
import BrokerServer
import Foundation
import MQTTBroker
import NIOCore

/// What the logs of a cluster's lanes make, as they are read side by side.
struct LanePicture {
    private let export: Reading
    private var assemblies: [Int: LanePiece.Assembly] = [:]

    /// A box for what cannot be copied.
    private final class Reading {
        var export: StoreExport

        init(now: Instant) { export = StoreExport(now: now) }
    }

    init(now: Instant) { export = Reading(now: now) }

    mutating func take(_ lane: Int, _ piece: LaneArchive.Piece) throws {
        switch piece {
        case .anew:
            assemblies[lane] = nil
            export.export.forget(lane: lane)
        case .batch(let octets):
            guard let commit = try assemblies[lane, default: LanePiece.Assembly()].add(octets) else { return }
            try export.export.read(commit)
        }
    }

    func write(to body: (Data) throws -> Void) throws -> StoreExport.Count {
        // A cluster has no segments.
        try export.export.write(segment: { _ in nil }, to: body)
        return export.export.count
    }
}
