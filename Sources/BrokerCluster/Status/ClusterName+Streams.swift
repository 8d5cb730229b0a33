import NATSClient

extension ClusterName {
    /// The streams of JetStream that keep something of the cluster: those of its lanes, in order, that of its members, and that of its meta lane.
    package var streams: [String] {
        let subjects = LaneSubjects(self)
        let lanes = (0..<LaneSubjects.streams).map { subjects.name(ofStream: $0) }
        return lanes + [MemberBucket.bucket(of: self)?.stream, MetaSubjects(self)?.bucket.stream].compactMap { $0 }
    }
}
