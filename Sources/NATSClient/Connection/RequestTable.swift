import HeapModule
import NIOCore

/// The requests that wait for answers. All have one inbox: a subject for each, under one subscription with a wildcard.
struct RequestTable {
    /// The subject of the subscription.
    let inbox: Subject
    private let prefix: ByteBuffer
    let maximum: Int
    private var next: UInt64 = 1
    private var waiting: [UInt64: NIODeadline] = [:]
    /// Requests by deadline; those that were answered are passed over when they come to the front, and left out when there are too many.
    private var deadlines = Heap<Entry>()

    private struct Entry: Comparable {
        let deadline: NIODeadline
        let number: UInt64

        static func < (one: Self, other: Self) -> Bool {
            (one.deadline, one.number) < (other.deadline, other.number)
        }
    }

    /// - Parameter name: the token of the inbox that nobody else has.
    init(name: String, maximum: Int) {
        inbox = Subject(trusted: "_INBOX.\(name).*")
        prefix = ByteBuffer(string: "_INBOX.\(name).")
        self.maximum = maximum
    }

    var count: Int { waiting.count }

    /// Deadlines that are held, also of requests that were answered before: twice `maximum` at most.
    var deadlineCount: Int { deadlines.count }

    /// `nil` if as many wait as may.
    mutating func add(deadline: NIODeadline) -> RequestIdentifier? {
        guard waiting.count < maximum else { return nil }
        defer { next += 1 }
        waiting[next] = deadline
        deadlines.insert(Entry(deadline: deadline, number: next))
        dropAnswered()
        if deadlines.count > 2 * maximum {
            deadlines = Heap(waiting.map { Entry(deadline: $0.value, number: $0.key) })
        }
        return RequestIdentifier(number: next)
    }

    func replySubject(of request: RequestIdentifier) -> ByteBuffer {
        var subject = ByteBuffer()
        subject.reserveCapacity(prefix.readableBytes + 20)
        subject.writeImmutableBuffer(prefix)
        subject.writeDecimal(request.number)
        return subject
    }

    /// The request that a subject is the reply subject of. It does not wait any more.
    mutating func take(_ subject: ByteBuffer) -> RequestIdentifier? {
        let bytes = subject.readableBytesUInt8Span
        let start = prefix.readableBytes
        guard bytes.count > start, subject.readableBytesView.starts(with: prefix.readableBytesView) else { return nil }
        guard let number = bytes.number(in: start..<bytes.count), waiting.removeValue(forKey: number) != nil else {
            return nil
        }
        return RequestIdentifier(number: number)
    }

    /// The next request whose deadline has come. It does not wait any more.
    mutating func takeExpired(_ now: NIODeadline) -> RequestIdentifier? {
        dropAnswered()
        guard let first = deadlines.min, first.deadline <= now else { return nil }
        deadlines.removeMin()
        waiting[first.number] = nil
        return RequestIdentifier(number: first.number)
    }

    /// All that wait, in the order in which they were made.
    mutating func takeAll() -> [RequestIdentifier] {
        defer {
            waiting = [:]
            deadlines = Heap()
        }
        return waiting.keys.sorted().map { RequestIdentifier(number: $0) }
    }

    /// At the latest when the next request is to be given up.
    var nextDeadline: NIODeadline? { waiting.isEmpty ? nil : deadlines.min?.deadline }

    private mutating func dropAnswered() {
        while let first = deadlines.min, waiting[first.number] == nil { deadlines.removeMin() }
    }
}
