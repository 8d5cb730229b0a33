import NATSClient
import NIOCore

/// Makes a key-value bucket in JetStream if there is none, with three replicas, or one where the server is alone. Confined to the client's loop.
final class BucketMaker {
    private let bucket: KeyValueBucket
    private let client: NATSClient
    /// Octets of all messages of the bucket at most.
    private let maximumBytes: Int
    private var replicas = 3
    private var isStopped = false

    private static let pause: TimeAmount = .milliseconds(250)
    /// Until somebody has made room.
    private static let pauseForSpace: TimeAmount = .seconds(2)
    private static let requestTimeout: TimeAmount = .seconds(5)
    /// There is a stream of that name, with another configuration.
    private static let nameInUse = 10_058
    /// The server is not in a cluster of servers.
    private static let noReplicas = 10_074
    private static let noJetStream = 10_076

    /// What stands in the way, while it is tried again.
    enum Trouble {
        /// There is no space for the bucket, and so there is none.
        case noSpace(JetStreamError)
        /// In words.
        case other(String)
    }

    init(_ bucket: KeyValueBucket, maximumBytes: Int, _ client: NATSClient) {
        self.bucket = bucket
        self.maximumBytes = maximumBytes
        self.client = client
    }

    func stop() { isStopped = true }

    /// Makes the bucket, for as long as that takes.
    ///
    /// - Parameters:
    ///   - onTrouble: is called with what stands in the way.
    ///   - done: is called once, with the reason if the servers cannot be used.
    func prepare(onTrouble: @escaping (Trouble) -> Void, done: @escaping (ClusterFailure?) -> Void) {
        guard !isStopped else { return }
        let again = { (trouble: Trouble) in
            onTrouble(trouble)
            let pause = if case .noSpace = trouble { Self.pauseForSpace } else { Self.pause }
            self.client.eventLoop.assumeIsolated().scheduleTask(in: pause) {
                self.prepare(onTrouble: onTrouble, done: done)
            }
        }
        let stream = bucket.configuration(replicas: replicas, maximumBytes: maximumBytes)
        client.ask(.create(stream), timeout: Self.requestTimeout).assumeIsolated().whenSuccess { result in
            guard !self.isStopped else { return }
            switch result {
            case .success: done(nil)
            // It was made by another version, or for fewer servers, and serves.
            case .failure(.refused(let error)) where error.errorCode == Self.nameInUse: done(nil)
            case .failure(.refused(let error)) where error.errorCode == Self.noReplicas && self.replicas > 1:
                self.replicas = 1
                self.prepare(onTrouble: onTrouble, done: done)
            case .failure(.refused(let error)) where error.errorCode == Self.noJetStream:
                done(ClusterFailure(description: "cluster.servers: JetStream is not enabled at the NATS servers"))
            case .failure(.refused(let error)): again(error.isOutOfSpace ? .noSpace(error) : .other("\(error)"))
            case .failure(.noAnswer(.noResponders)): again(.other("no NATS server with JetStream answers"))
            case .failure(.noAnswer): again(.other("JetStream does not answer"))
            case .failure: again(.other("there is no connection to a NATS server"))
            }
        }
    }
}
