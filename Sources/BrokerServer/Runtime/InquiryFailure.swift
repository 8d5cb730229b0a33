/// Why a shard does not answer an inquiry.
enum InquiryFailure: Error, CustomStringConvertible {
    /// As many are under way as may be (`Shard.maximumInquiries`).
    case tooMany
    /// The answer did not come in time.
    case late
    /// The broker ends.
    case ended

    var description: String {
        switch self {
        case .tooMany: "too many questions are being answered; try again"
        case .late: "no answer came in time"
        case .ended: "the broker is ending"
        }
    }
}
