/// Which batches a writer takes just now.
package enum Admission: Sendable, Hashable {
    /// All.
    case all
    /// Draining ones only.
    case drainingOnly(Shortage)
    /// None: the writer has ended.
    case none

    /// Why ordinary batches are refused.
    package enum Shortage: Sendable, Hashable {
        /// `StoreLimits.maximumQueuedOctets` are waiting to be written.
        case memory
        /// Only the reserve is left of `StoreLimits.maximumOctets`, or the disk is full.
        case space
        /// Writing fails, which is tried again.
        case disk
    }

    /// Whether a batch of the kind `Batch.Kind.ordinary` would be taken.
    package var takesOrdinary: Bool { self == .all }
}

/// What became of a batch that was handed to a writer.
package struct Submission: Sendable, Equatable {
    /// Whether the batch was taken: then its source is told of its commit. Otherwise nothing of it is kept.
    package let isTaken: Bool
    /// Which batches are taken after this one.
    package let admission: Admission
}
