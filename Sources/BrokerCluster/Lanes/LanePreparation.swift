import NATSClient
package import NIOCore

extension LaneStreams {
    /// Makes the streams that are missing, and checks those that are there, the servers' maximum payload, and by a probe that their
    /// compare-and-set fences. A node calls it once before it takes lanes, on one of its loops. It does not fail: JetStream that is not
    /// there is waited for until `deadline`.
    package func prepare(until deadline: NIODeadline) -> EventLoopFuture<Result<Void, LanePreparationFailure>> {
        let promise = eventLoop.makePromise(of: Result<Void, LanePreparationFailure>.self)
        LanePreparation(self, until: deadline, promise).go(.stream(0))
        return promise.futureResult
    }
}

/// The way through the streams, and then the probe.
private final class LanePreparation {
    enum Stage {
        case stream(Int)
        case creation(Int)
        case probe
    }

    private let lanes: LaneStreams
    private let deadline: NIODeadline
    private let promise: EventLoopPromise<Result<Void, LanePreparationFailure>>

    private static let pause: TimeAmount = .milliseconds(200)
    private static let timeout: TimeAmount = .seconds(5)

    init(
        _ lanes: LaneStreams,
        until deadline: NIODeadline,
        _ promise: EventLoopPromise<Result<Void, LanePreparationFailure>>
    ) {
        self.lanes = lanes
        self.deadline = deadline
        self.promise = promise
    }

    func go(_ stage: Stage) {
        switch stage {
        case .stream(let number) where number == LaneSubjects.streams: go(.probe)
        case .stream(let number):
            lanes.client.ask(.info(of: lanes.subjects.name(ofStream: number)), timeout: Self.timeout).assumeIsolated()
                .whenSuccess { self.found($0, number) }
        case .creation(let number):
            let wanted = lanes.subjects.configuration(ofStream: number, lanes.configuration)
            lanes.client.ask(.create(wanted), timeout: Self.timeout).assumeIsolated()
                .whenSuccess { self.created($0, number) }
        case .probe: probe()
        }
    }

    private func found(_ result: Result<StreamInfo, JetStreamFailure>, _ number: Int) {
        switch result {
        case .success(let info):
            let wanted = lanes.subjects.configuration(ofStream: number, lanes.configuration)
            if let complaint = info.config.complaint(wanting: wanted) { return fail(.unfit(complaint)) }
            go(.stream(number + 1))
        case .failure(.refused(let error)) where error.errorCode == JetStreamError.noStream: go(.creation(number))
        case .failure(let failure): failed(failure, .stream(number))
        }
    }

    private func created(_ result: Result<StreamInfo, JetStreamFailure>, _ number: Int) {
        switch result {
        case .success: go(.stream(number))
        // Another node has just made it.
        case .failure(.refused(let error)) where error.errorCode == JetStreamError.otherStream: go(.stream(number))
        case .failure(let failure): failed(failure, .creation(number))
        }
    }

    private func failed(_ failure: JetStreamFailure, _ stage: Stage) {
        switch failure {
        case .refused(let error) where error.code < 500 && error.errorCode != JetStreamError.noPeers:
            fail(.unfit("\(error)"))
        case .refused(let error): again(stage, "\(error)")
        case .malformed: fail(.unfit("JetStream says something that is none of its answers"))
        case .noAnswer(let reason): again(stage, "JetStream does not answer (\(reason))")
        case .notSent: again(stage, "there is no connection to a NATS server")
        }
    }

    private func again(_ stage: Stage, _ detail: String) {
        guard NIODeadline.now() + Self.pause < deadline else { return fail(.unavailable(detail)) }
        lanes.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.go(stage) }
    }

    private func fail(_ failure: LanePreparationFailure) { promise.succeed(.failure(failure)) }

    // MARK: The probe

    private func probe() {
        guard let info = lanes.client.serverInfo else {
            return again(.probe, "there is no connection to a NATS server")
        }
        let needed = lanes.configuration.limits.maximumBatch + LaneMessage.headSize + Self.headers
        guard info.maximumPayload >= needed else {
            return fail(
                .unfit(
                    "the NATS server \(info.name) takes messages of \(info.maximumPayload) octets (max_payload), and \(needed) are needed"
                )
            )
        }
        let token = String(UInt64.random(in: 0...UInt64.max), radix: 36) + String(lanes.configuration.replicas)
        let subject = lanes.subjects.probe(token)
        lanes.client.probe(subject, until: min(deadline, .now() + Self.timeout)).assumeIsolated().whenSuccess {
            result in
            switch result {
            case .fenced: self.clean(subject)
            case .notFenced:
                self.fail(
                    .unfit(
                        "the NATS servers store two messages where one is expected: their compare-and-set does not fence"
                    )
                )
            case .undecided(let answers):
                self.again(.probe, "JetStream does not decide between two appends (\(answers))")
            }
        }
    }

    /// Deletes what the probe has stored, if it can be.
    private func clean(_ subject: Subject) {
        let stream = lanes.subjects.name(ofStream: 0)
        lanes.client.ask(.purge(subject, in: stream, before: UInt64(Int64.max))).assumeIsolated().whenSuccess { _ in
            self.promise.succeed(.success(()))
        }
    }

    /// Octets for the headers of an append.
    private static let headers = 128
}
