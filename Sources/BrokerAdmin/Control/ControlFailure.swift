/// Why a broker does not answer by its control socket, in a sentence that says what to do.
package enum ControlFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no socket at the path, or nobody listens on it.
    case notRunning(path: String)
    case notPermitted(path: String)
    /// It cannot be connected for another reason.
    case unusable(path: String, reason: String)
    /// The broker accepted the connection, and did not answer in time or not by HTTP.
    case noAnswer(reason: String)
    /// The broker answered with an error.
    case refused(status: Int)
    /// The broker answered with an error and says why.
    case declined(RuntimeKeyRefusal)

    package var description: String {
        switch self {
        case .notRunning(let path):
            "no broker runs with this data folder: nobody listens on \(path). Start it by `martlet serve`, or name its configuration by --config or its data folder by --data"
        case .notPermitted(let path):
            "\(path) is for the user that runs the broker only: try again as that user"
        case .unusable(let path, let reason): "cannot connect to \(path): \(reason)"
        case .noAnswer(let reason): "the broker does not answer: \(reason)"
        case .declined(let refusal): refusal.message
        case .refused(404): "the broker does not know the question: its version is another one than this command's"
        case .refused(let status): "the broker refuses to answer (HTTP \(status))"
        }
    }
}
