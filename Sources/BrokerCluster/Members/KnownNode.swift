import NIOCore

/// What a node knows of another number of the cluster: its record, and when its run was heard of.
struct KnownNode {
    let number: Int
    /// `nil` if the number is nobody's.
    private(set) var record: MemberRecord?
    /// The sequence of the last change of the record; 0 if there never was one.
    private(set) var revision: UInt64 = 0

    /// When the record or a confirmation of it was seen.
    private(set) var seen = NIODeadline.distantPast
    /// When the run's own newest heartbeat came; `nil` if none has.
    private(set) var lastHeard: NIODeadline?
    /// When something came that shows that the run lives: a heartbeat, another node's echo of one, or a confirmation.
    private(set) var lastEvidence = NIODeadline.distantPast
    /// The newest heartbeat of the run that came here.
    private(set) var newestHeartbeat: UInt64 = 0
    /// The newest heartbeat of the run that came here or to another node.
    private var newestEvidence: UInt64 = 0
    /// When this node sent the newest of its heartbeats that the run has heard.
    private(set) var echo: NIODeadline?
    /// True if the run has said that it is over.
    private(set) var hasLeft = false
    /// True if the run has said that it is about to leave.
    private(set) var isRetiring = false
    /// Fingerprints of the secrets that the run knows.
    private(set) var secrets: [UInt64] = []
    /// Connections of clients at the node, as its newest heartbeat says; `nil` if that says nothing of it.
    private(set) var clients: Int?

    var isSuspected = false
    var question = Question.none
    /// When its removal was tried last.
    var removalTried = NIODeadline.distantPast
    /// A heartbeat of a run that the record does not name.
    private var stranger: NIODeadline?

    /// Whether anybody listens on the node's subject.
    enum Question: Equatable {
        case none
        case asked
        /// Nobody did, since then.
        case unheard(NIODeadline)
        case askedAgain
    }

    init(number: Int) { self.number = number }

    /// The run that lives as far as it is known.
    var member: Member? { hasLeft ? nil : record?.member }

    /// When the newest of the node's heartbeats was sent that the run has heard, or the run was seen at first, which cannot suspect
    /// anybody yet.
    var echoOrJoin: NIODeadline { echo ?? seen }

    /// True while some run of the number is heard of.
    func isHeard(within time: TimeAmount, _ now: NIODeadline) -> Bool {
        let newest = max(lastHeard ?? .distantPast, stranger ?? .distantPast)
        return now < newest + time && !hasLeft
    }

    // MARK: What comes

    /// Takes a change of the record. Returns false for one that is older than what is known.
    mutating func take(_ record: MemberRecord?, revision: UInt64, _ now: NIODeadline) -> Bool {
        guard revision > self.revision else { return false }
        self.revision = revision
        let isSame = record != nil && record?.member.run == self.record?.member.run
        self.record = record
        if isSame {
            lastEvidence = now
        } else {
            (seen, lastEvidence) = (now, now)
            (lastHeard, echo, stranger) = (nil, nil, nil)
            (newestHeartbeat, newestEvidence) = (0, 0)
            secrets = []
            (hasLeft, isRetiring, isSuspected, question) = (false, false, false, .none)
            clients = nil
        }
        return true
    }

    /// A heartbeat of the number came. Returns true if it is news of the run that the record names.
    mutating func hear(_ heartbeat: Heartbeat, run: UInt64, echo: NIODeadline?, _ now: NIODeadline) -> Bool {
        guard run == record?.member.run else {
            stranger = now
            return false
        }
        guard !hasLeft, heartbeat.number > newestHeartbeat else { return false }
        newestHeartbeat = heartbeat.number
        secrets = heartbeat.secrets
        newestEvidence = max(newestEvidence, heartbeat.number)
        (lastHeard, lastEvidence, question) = (now, now, .none)
        if let echo { self.echo = max(self.echo ?? echo, echo) }
        clients = heartbeat.clients
        if heartbeat.isRetiring { isRetiring = true }
        if heartbeat.isLeaving { hasLeft = true }
        return true
    }

    /// Another node says which heartbeat of the run it has heard.
    mutating func hear(of number: UInt64, run: UInt64, _ now: NIODeadline) {
        guard run == record?.member.run, number > newestEvidence else { return }
        newestEvidence = number
        lastEvidence = now
    }

    /// Nobody listens on the node's subject. Returns true if that shows that the run does not answer.
    mutating func isUnheard(_ now: NIODeadline) -> Bool {
        switch question {
        case .none, .unheard: return false
        case .asked:
            question = .unheard(now)
            return false
        case .askedAgain:
            question = .none
            return true
        }
    }
}
