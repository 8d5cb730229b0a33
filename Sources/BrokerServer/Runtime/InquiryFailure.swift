/// Why a shard does not answer an inquiry.
enum InquiryFailure: Error {
    /// As many are under way as may be (`Shard.maximumInquiries`).
    case tooMany
    /// The answer did not come in time.
    case late
    /// The broker ends.
    case ended
}
