package import NIOCore

/// The meta lane from outside its loop.
package struct MetaLaneAccess: MetaStore {
    private let lane: NIOLoopBound<MetaLane>

    package init(_ lane: NIOLoopBound<MetaLane>) { self.lane = lane }

    package func records(of kind: MetaKind) async -> [MetaRecord] {
        let lane = lane
        return (try? await lane.eventLoop.submit { lane.value.records(of: kind) }.get()) ?? []
    }

    package func record(at key: MetaKey) async -> MetaRecord? {
        let lane = lane
        return try? await lane.eventLoop.submit { lane.value.record(at: key) }.get()
    }

    package func write(_ value: ByteBuffer?, at key: MetaKey, expecting revision: UInt64?) async throws -> UInt64 {
        let lane = lane
        return try await lane.eventLoop.flatSubmit { lane.value.write(value, at: key, expecting: revision) }.get().get()
    }
}
