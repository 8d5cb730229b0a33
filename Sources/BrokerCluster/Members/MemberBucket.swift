import NATSClient
import NIOConcurrencyHelpers
import NIOCore

/// The bucket of members in JetStream: it is made if there is none, and the servers' compare-and-set is tried in it.
final class MemberBucket {
    let bucket: KeyValueBucket
    private let keys: [Subject]
    private let client: NATSClient
    private let cluster: ClusterName
    private let maker: BucketMaker
    private var isStopped = false

    /// Octets of all records at most, and of what probes leave behind.
    private static let maximumBytes = 4 << 20
    private static let pause: TimeAmount = .milliseconds(250)
    private static let requestTimeout: TimeAmount = .seconds(5)

    /// Clusters whose servers have fenced a probe of this process.
    private static let fenced = NIOLockedValueBox<Set<String>>([])

    /// - Throws: `ClusterFailure` for a name that cannot be a bucket's.
    init(_ cluster: ClusterName, _ client: NATSClient) throws {
        guard let bucket = Self.bucket(of: cluster) else {
            throw ClusterFailure(description: "cluster.name: \(cluster) cannot be the name of a bucket")
        }
        self.bucket = bucket
        self.client = client
        self.cluster = cluster
        maker = BucketMaker(bucket, maximumBytes: Self.maximumBytes, client)
        keys = (0..<Heartbeat.maximumNodes).compactMap { bucket.subject(of: "node.\($0)") }
    }

    static func bucket(of cluster: ClusterName) -> KeyValueBucket? {
        KeyValueBucket(name: "MARTLET_\(cluster)_members")
    }

    func stop() {
        isStopped = true
        maker.stop()
    }

    // MARK: Making it

    /// Makes the bucket, and tries compare-and-set, for as long as that takes.
    ///
    /// - Parameters:
    ///   - onTrouble: is called with what stands in the way, in words, while it is tried again.
    ///   - done: is called once, with the reason if the servers cannot be used.
    func prepare(onTrouble: @escaping (String) -> Void, done: @escaping (ClusterFailure?) -> Void) {
        guard !isStopped else { return }
        maker.prepare { trouble in
            switch trouble {
            case .noSpace(let error): onTrouble("\(error)")
            case .other(let words): onTrouble(words)
            }
        } done: { failure in
            if let failure { return done(failure) }
            self.probe(onTrouble: onTrouble, done: done)
        }
    }

    private func probe(onTrouble: @escaping (String) -> Void, done: @escaping (ClusterFailure?) -> Void) {
        let servers = client.configuration.servers.map(\.description).sorted().joined(separator: " ")
        let name = "\(servers) \(bucket.name)"
        guard !Self.fenced.withLockedValue({ $0.contains(name) }) else { return done(nil) }
        guard let subject = bucket.subject(of: "probe.\(UInt64.random(in: 0 ... .max))") else { return done(nil) }
        client.probe(subject, until: .now() + Self.requestTimeout).assumeIsolated().whenSuccess { result in
            guard !self.isStopped else { return }
            _ = self.client.ask(.purge(subject, in: self.bucket.stream, before: UInt64(Int64.max)))
            switch result {
            case .fenced:
                Self.fenced.withLockedValue { _ = $0.insert(name) }
                done(nil)
            case .notFenced:
                done(
                    ClusterFailure(
                        description:
                            "cluster.servers: the NATS servers have stored two messages of which one was to be refused; "
                            + "\(ServerVersion.least) or newer is needed"
                    )
                )
            case .undecided:
                onTrouble("a compare-and-set that was tried is not decided")
                self.client.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
                    self.probe(onTrouble: onTrouble, done: done)
                }
            }
        }
    }

    // MARK: Records

    /// Tells each record, and each change of one.
    ///
    /// - Parameter onEvent: is called with the node, the revision and the value, `nil` for a deletion; with `nil` when all that were there
    ///   have been told.
    func watch(
        onRecord: @escaping (_ node: Int, _ revision: UInt64, _ value: ByteBuffer?) -> Void,
        onCurrent: @escaping () -> Void,
        onLost: @escaping () -> Void
    ) -> Replay {
        client.replay(bucket.watch()) { event in
            switch event {
            case .message(let message):
                guard let node = self.node(of: message.publication.subject) else { return }
                let isDeleted = KeyValueBucket.isDeleted(message.publication.headers)
                onRecord(node, message.sequence, isDeleted ? nil : message.publication.payload)
            case .current: onCurrent()
            case .refused: onLost()
            }
        }
    }

    private func node(of subject: ByteBuffer) -> Int? { keys.firstIndex { $0.octets == subject } }

    /// Asks the leader of the bucket's stream whether it is there.
    func ask(timeout: TimeAmount, _ done: @escaping (_ hasAnswered: Bool) -> Void) {
        guard let key = keys.first else { return done(false) }
        client.ask(.last(of: key, in: bucket.stream), timeout: timeout).assumeIsolated().whenSuccess { result in
            switch result {
            case .success, .failure(.refused): done(true)
            case .failure: done(false)
            }
        }
    }

    /// Tries once to write a record.
    func write(_ record: MemberRecord, expecting revision: UInt64, _ done: @escaping (AppendAnswer) -> Void) {
        guard keys.indices.contains(record.member.node) else { return }
        client.append(bucket.put(record.json, for: keys[record.member.node], expecting: revision)).assumeIsolated()
            .whenSuccess(done)
    }

    /// Tries to delete a record, once or until a deadline.
    func remove(
        _ node: Int,
        expecting revision: UInt64,
        until deadline: NIODeadline? = nil,
        _ done: @escaping (AppendAnswer) -> Void
    ) {
        guard keys.indices.contains(node) else { return }
        let append = bucket.delete(keys[node], expecting: revision)
        let answer = deadline.map { client.append(append, until: $0) } ?? client.append(append)
        answer.assumeIsolated().whenSuccess(done)
    }

    /// Reads a record at the stream's leader.
    ///
    /// - Parameter onRecord: is not called if there is no answer.
    func read(_ node: Int, _ onRecord: @escaping (_ revision: UInt64, _ value: ByteBuffer?) -> Void) {
        guard keys.indices.contains(node) else { return }
        client.ask(.last(of: keys[node], in: bucket.stream)).assumeIsolated().whenSuccess { result in
            guard case .success(let last) = result else { return }
            onRecord(last.sequence, KeyValueBucket.isDeleted(last.headers) ? nil : last.payload)
        }
    }
}
