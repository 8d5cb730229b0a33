import BrokerStorage

/// What a probe is told to do, by KEY=NUMBER.
struct Options {
    private var numbers: [String: Int] = [
        "octets": 4_096,  // of a batch, at most; of every one in measurements
        "sources": 2,
        "outstanding": 32,  // batches of a source that are not on disk
        "pause": 0,  // milliseconds between two batches
        "draining": 0,  // one batch in so many is of that kind; 0 for none
        "keep": 200,  // commits that are not trimmed
        "seconds": 10,
        "rate": 0,  // commits a second; 0 for as many as can be
        "maximum": StoreLimits().maximumOctets,
        "reserve": StoreLimits().reserve,
        "queued": StoreLimits().maximumQueuedOctets,
        "checkpoint": StoreLimits().checkpointPages,
    ]

    init?(_ arguments: ArraySlice<String>) {
        for argument in arguments {
            let parts = argument.split(separator: "=")
            guard parts.count == 2, let number = Int(parts[1]), numbers[String(parts[0])] != nil else { return nil }
            numbers[String(parts[0])] = number
        }
    }

    subscript(key: String) -> Int { numbers[key] ?? 0 }

    var limits: StoreLimits {
        var limits = StoreLimits()
        limits.maximumOctets = self["maximum"]
        limits.reserve = self["reserve"]
        limits.maximumQueuedOctets = self["queued"]
        limits.checkpointPages = self["checkpoint"]
        return limits
    }
}
