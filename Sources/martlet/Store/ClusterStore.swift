import BrokerCluster
import BrokerServer
import Foundation
import MQTTBroker
import NIOCore
import NIOPosix

/// The store of a cluster: the logs of its lanes in JetStream, as one event loop reads and writes them.
final class ClusterStore {
    private let loop: any EventLoop
    private let archive: NIOLoopBound<LaneArchive>
    private let picture: NIOLoopBoundBox<LanePicture>

    /// Connects to a NATS server.
    ///
    /// - Throws: `ClusterFailure`.
    init(_ cluster: ClusterConfiguration) throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        picture = NIOLoopBoundBox.makeBoxSendingValue(LanePicture(now: .now()), eventLoop: loop)
        archive = try loop.submit {
            NIOLoopBound(try LaneArchive(cluster, on: loop) { Terminal.note("waits: \($0)") }, eventLoop: loop)
        }.wait()
        try call { $0.connect() }
    }

    /// Ends the connection.
    func close() throws { try call { $0.stop() } }

    private func call<Result: Sendable>(
        _ body: @escaping @Sendable (LaneArchive) -> EventLoopFuture<Result>
    ) throws -> Result {
        let archive = archive
        return try loop.flatSubmit { body(archive.value) }.wait()
    }

    /// How many nodes of the cluster run.
    func countNodes() throws -> Int { try call { $0.countNodes() } }

    /// Makes the streams that are missing.
    func prepare() throws { try call { $0.prepare() } }

    /// Reads what the lanes have into memory.
    func read() throws {
        let picture = picture
        let line = ProgressLine()
        try call { archive in
            archive.read(
                progress: { line.show("reading", done: $0, of: $1, unit: "messages") },
                { try picture.value.take($0, $1) }
            )
        }
    }

    /// Says what was read. Nothing more is to be read.
    func write(to body: @escaping @Sendable (Data) throws -> Void) throws -> StoreExport.Count {
        let picture = picture
        return try loop.submit { try picture.value.write(to: body) }.wait()
    }

    /// Writes the lanes anew.
    ///
    /// - Parameter logs: of each lane, its commits in order.
    func write(_ logs: [Int: [ByteBuffer]]) throws {
        let pieces = logs.mapValues { $0.flatMap { LanePiece.pieces(of: $0) } }
        let total = pieces.values.joined().reduce(0) { $0 + $1.readableBytes }
        let line = ProgressLine()
        let loop = loop
        try call { archive in
            let written = NIOLoopBoundBox(0, eventLoop: loop)
            return archive.write(pieces) { octets in
                written.value += octets
                line.show("importing", done: written.value, of: total)
            }
        }
    }
}
