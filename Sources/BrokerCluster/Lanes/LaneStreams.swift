package import NATSClient
package import NIOCore

/// The lanes that one event loop leads: logs in the streams of JetStream. All methods are called on the loop, and all that is told comes
/// on the loop. It has a connection to NATS of its own.
package final class LaneStreams {
    package let configuration: LaneConfiguration
    package let eventLoop: any EventLoop
    private var onHealth: (Int, LaneHealth) -> Void = { _, _ in }

    /// - Parameter nats: the servers; answers of JetStream are waited for as long as its `requestTimeout`.
    /// - Throws: for authorities that are no PEM certificates.
    package init(_ configuration: LaneConfiguration, nats: ClientConfiguration, on eventLoop: any EventLoop) throws {
        self.configuration = configuration
        self.eventLoop = eventLoop
    }

    /// Connects to NATS.
    package func start() {}

    /// Ends the connection. Lanes are released first.
    package func stop() -> EventLoopFuture<Void> { eventLoop.makeSucceededVoidFuture() }

    /// This node is a member as this run: from here on, lanes are taken in its name. Lanes of an earlier run are released.
    package func begin(as member: Member) {}

    /// This node's run is over: all lanes are released, and none can be taken until it begins again.
    package func end() {}

    /// Makes the streams that are missing, and checks those that are there, the servers' maximum payload, and by a probe that their
    /// compare-and-set fences. A node calls it once before it takes lanes, on one of its loops. It does not fail: JetStream that is not
    /// there is waited for until `deadline`.
    package func prepare(until deadline: NIODeadline) -> EventLoopFuture<Result<Void, LanePreparationFailure>> {
        eventLoop.makeSucceededFuture(.failure(.unavailable("not there yet")))
    }

    /// Takes the lead of a lane: reads its last message at the stream's leader, writes a term record behind it by compare-and-set, and
    /// replays all batches before, in order. It does not fail, and it ends within `LaneLimits.takeTimeout` unless the replay takes longer.
    ///
    /// - Parameter replay: is called with each batch, on the loop, before the future is fulfilled. Unless that is with a term, what came
    ///   is to be forgotten.
    package func take(
        _ lane: Int,
        replay: @escaping (ByteBuffer) -> Void
    ) -> EventLoopFuture<Result<LaneTerm, LaneFailure>> {
        eventLoop.makeSucceededFuture(.failure(.notReady))
    }

    /// Appends a batch to a lane that this run leads, one at a time: a further one is `underWay`. It does not fail. It is answered once
    /// the batch is stored for good or the lane is not led any more, and tried for as long as that takes; `release` ends it.
    package func append(_ batch: ByteBuffer, to lane: Int) -> EventLoopFuture<Result<LanePosition, LaneFailure>> {
        eventLoop.makeSucceededFuture(.failure(.notReady))
    }

    /// Deletes the messages of a lane that this run leads before a position, which itself stays. It may be the position of an
    /// acknowledged append only; another one is passed over. What cannot be deleted now is deleted with a later purge.
    package func purge(_ lane: Int, before position: LanePosition) {}

    /// Gives a lane up: what is under way is answered with `released`. Another run finds in the stream that this one led it.
    package func release(_ lane: Int) {}

    /// The lanes that this run leads, in order.
    package var statuses: [LaneStatus] { [] }

    /// What was done since this was made.
    package var counters: LaneCounters { LaneCounters() }

    /// Is called when a lane that this run leads is suspended, or serves again.
    package func onHealth(_ body: @escaping (_ lane: Int, _ health: LaneHealth) -> Void) { onHealth = body }
}
