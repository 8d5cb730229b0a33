import NIOCore

/// Finds that a server is cut off from the other servers of its cluster, although it answers PING: a question that another connection of this
/// process answers, which mostly has another server, has no answer by it.
struct CutOffWatch {
    /// What is asked; `nil` if nothing is.
    let subject: Subject?
    /// How long there may be no answer before another server is tried.
    let patience: TimeAmount
    /// When the next question is to be sent.
    private(set) var due = NIODeadline.distantFuture
    private var question: RequestIdentifier?
    private var silentSince: NIODeadline?
    /// True once there was an answer: otherwise this user may not ask.
    private var hasAnswered = false

    static let interval: TimeAmount = .milliseconds(500)

    init(_ subject: Subject?, patience: TimeAmount) {
        self.subject = subject
        self.patience = patience
    }

    /// A connection is ready.
    mutating func begin(_ now: NIODeadline) {
        question = nil
        silentSince = nil
        due = subject == nil ? .distantFuture : now + Self.interval
    }

    /// The connection has ended.
    mutating func end() {
        question = nil
        silentSince = nil
        due = .distantFuture
    }

    mutating func asked(_ question: RequestIdentifier?, _ now: NIODeadline) {
        self.question = question
        due = now + Self.interval
    }

    func hasAsked(_ request: RequestIdentifier) -> Bool { request == question }

    /// - Parameter isAnswered: false for no answer in time, and for no responders.
    /// - Returns: false if the request is another one.
    mutating func take(isAnswered: Bool, to request: RequestIdentifier, _ now: NIODeadline) -> Bool {
        guard hasAsked(request) else { return false }
        question = nil
        if isAnswered {
            silentSince = nil
            hasAnswered = true
        } else if hasAnswered, silentSince == nil {
            silentSince = now
        }
        return true
    }

    /// True if there was no answer for too long.
    func isOver(_ now: NIODeadline) -> Bool { silentSince.map { now - $0 >= patience } ?? false }
}
