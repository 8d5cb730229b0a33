import NIOCore

/// Finds that a server is cut off from the other servers of its cluster: it answers PING, and JetStream, which needs a majority of the servers,
/// does not answer by it.
struct QuorumWatch {
    /// How long JetStream may be silent before another server is tried; `nil` without JetStream.
    let patience: TimeAmount?
    /// When the next question is to be sent.
    private(set) var due = NIODeadline.distantFuture
    private var question: RequestIdentifier?
    private var silentSince: NIODeadline?
    /// True once any server has had an answer: otherwise there may be no JetStream for this user.
    private var hasAnswered = false

    /// What is asked: the account's state, which a server gives that knows the leader of JetStream's cluster.
    static let subject = Subject(trusted: "$JS.API.INFO")
    static let interval: TimeAmount = .seconds(2)
    static let timeout: TimeAmount = .seconds(1)

    init(patience: TimeAmount?) { self.patience = patience }

    /// A connection is ready.
    mutating func begin(_ now: NIODeadline) {
        question = nil
        silentSince = nil
        due = patience == nil ? .distantFuture : now + Self.interval
    }

    /// The connection has ended.
    mutating func end() {
        question = nil
        silentSince = nil
        due = .distantFuture
    }

    func hasAsked(_ request: RequestIdentifier) -> Bool { request == question }

    mutating func asked(_ question: RequestIdentifier?, _ now: NIODeadline) {
        self.question = question
        due = now + Self.interval
    }

    /// - Parameter answer: `nil` for none in time, and for no responders.
    /// - Returns: false if the answer is to another request.
    mutating func take(_ answer: ByteBuffer?, to request: RequestIdentifier, _ now: NIODeadline) -> Bool {
        guard hasAsked(request) else { return false }
        question = nil
        if let answer, !String(buffer: answer).contains(Self.error) {
            silentSince = nil
            hasAnswered = true
        } else if hasAnswered, silentSince == nil {
            silentSince = now
        }
        return true
    }

    private static let error = #""error":"#

    /// True if the server has been without JetStream for too long.
    func isOver(_ now: NIODeadline) -> Bool {
        guard let patience, let silentSince else { return false }
        return now - silentSince >= patience
    }
}
