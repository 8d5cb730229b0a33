/// The counters of the lines of each second: first those of emqtt_bench with its names and in its order, then our own.
enum Counter: Int, CaseIterable, Sendable {
    case publishLatency, received, subscribed, subscribeFailed, published, publishFailed, publishOverrun,
        publishSucceeded,
        publishedToNobody, connected, connectFailed, connectRetried, reconnected, unreachable, refused, timedOut, idle,
        migrated, migrateFailed, streamsEnded, early

    var name: String {
        switch self {
        case .publishLatency: "publish_latency"
        case .received: "recv"
        case .subscribed: "sub"
        case .subscribeFailed: "sub_fail"
        case .published: "pub"
        case .publishFailed: "pub_fail"
        // Messages that could not be sent when they were due.
        case .publishOverrun: "pub_overrun"
        case .publishSucceeded: "pub_succ"
        case .publishedToNobody: "pub_nosub"
        case .connected: "connect_succ"
        case .connectFailed: "connect_fail"
        case .connectRetried: "connect_retried"
        case .reconnected: "reconnect_succ"
        case .unreachable: "unreachable"
        case .refused: "connection_refused"
        case .timedOut: "connection_timeout"
        case .idle: "connection_idle"
        case .migrated: "migrate_succ"
        case .migrateFailed: "migrate_fail"
        case .streamsEnded: "stream_ended"
        // Of ours: CONNECT was early data, and the server took it.
        case .early: "connect_early"
        }
    }
}

/// A value for each counter. ``Counter/publishLatency`` holds the sum of milliseconds.
struct Counters: Sendable, Equatable {
    private var values = [UInt64](repeating: 0, count: Counter.allCases.count)

    subscript(counter: Counter) -> UInt64 {
        get { values[counter.rawValue] }
        set { values[counter.rawValue] = newValue }
    }

    static func += (sum: inout Self, other: Self) {
        for index in sum.values.indices { sum.values[index] += other.values[index] }
    }
}
