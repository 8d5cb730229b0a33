import NATSClient
import NIOCore

/// Asks JetStream now and then how full the streams of the lanes are. All methods are called on the loop of the lanes, and all that it tells
/// comes there.
package final class SpaceWatch {
    private let lanes: LaneStreams
    private let onChange: (StreamSpace) -> Void
    package private(set) var space = StreamSpace()
    private var isStopped = false

    private static let timeout: TimeAmount = .seconds(2)

    /// - Parameter onChange: is called with each answer.
    package init(_ lanes: LaneStreams, onChange: @escaping (StreamSpace) -> Void) {
        self.lanes = lanes
        self.onChange = onChange
    }

    package func start() { ask() }

    package func stop() { isStopped = true }

    private func ask() {
        if isStopped { return }
        let answers = (0..<LaneSubjects.streams).map { stream in
            lanes.client.ask(.info(of: lanes.subjects.name(ofStream: stream)), timeout: Self.timeout)
        }
        EventLoopFuture.whenAllSucceed(answers, on: lanes.eventLoop).assumeIsolated().whenSuccess { answers in
            if self.isStopped { return }
            for (stream, answer) in answers.enumerated() {
                // While a stream has no leader, what is known of it stays.
                guard case .success(let info) = answer else { continue }
                let octets = Int(clamping: info.state.bytes)
                self.space.learned(stream: stream, octets: octets, maximum: info.config.maximumBytes)
            }
            self.onChange(self.space)
            self.lanes.eventLoop.assumeIsolated().scheduleTask(in: self.space.interval) { self.ask() }
        }
    }
}
