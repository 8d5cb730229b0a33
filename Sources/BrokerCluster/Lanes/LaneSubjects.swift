package import NATSClient

/// The subjects of a cluster's lanes, and the streams that they are in.
package struct LaneSubjects: Sendable {
    /// Lanes of a cluster, and the streams that hold as many lanes each.
    package static let lanes = 64
    package static let streams = 4
    package static let lanesOfStream = lanes / streams

    private let cluster: ClusterName

    package init(_ cluster: ClusterName) { self.cluster = cluster }

    package func subject(of lane: Int) -> Subject { Subject(trusted: "martlet.\(cluster).lane.\(lane)") }

    /// The number of the stream that a lane is in.
    package static func stream(of lane: Int) -> Int { lane / lanesOfStream }

    package func name(ofStream stream: Int) -> String { "MARTLET_\(cluster)_L\(stream)" }

    /// Subjects of the first stream on which the servers' compare-and-set is tried.
    package func probe(_ token: String) -> Subject { Subject(trusted: "martlet.\(cluster).probe.\(token)") }

    /// What a stream has to be like.
    package func configuration(ofStream stream: Int, _ lanes: LaneConfiguration) -> StreamConfiguration {
        let first = stream * Self.lanesOfStream
        var subjects = (first..<first + Self.lanesOfStream).map { subject(of: $0).description }
        if stream == 0 { subjects.append(probe("*").description) }
        var configuration = StreamConfiguration(
            name: name(ofStream: stream),
            subjects: subjects,
            replicas: lanes.replicas
        )
        configuration.maximumBytes = lanes.maximumOctets
        return configuration
    }
}

extension StreamConfiguration {
    /// What makes a stream that is there unfit for lanes, in words for who set it up; `nil` if nothing does. More replicas and another
    /// bound of octets are the operator's choice.
    package func complaint(wanting wanted: StreamConfiguration) -> String? {
        let complaints: [(Bool, String)] = [
            (Set(subjects) != Set(wanted.subjects), "has other subjects than the lanes'"),
            (replicas < wanted.replicas, "has \(replicas) replicas, and \(wanted.replicas) are needed"),
            (storage != .file, "is in memory"),
            (retention != .limits, "has the retention \(retention.rawValue): it has to be limits"),
            (discard != .new, "deletes old messages when it is full: discard has to be new"),
            (maximumBytes <= 0, "has no bound of octets: max_bytes has to be set"),
            (maximumMessages > 0 || maximumMessagesPerSubject > 0, "has a bound of messages: max_msgs has to be -1"),
            (maximumAge > .zero, "deletes messages by age: max_age has to be 0"),
            (allowsDirect, "answers from replicas, which may be behind: allow_direct has to be false"),
            (!deniesDelete, "lets messages be deleted one by one: deny_delete has to be true"),
        ]
        return complaints.first { $0.0 }.map { "stream \(name) \($0.1)" }
    }
}
