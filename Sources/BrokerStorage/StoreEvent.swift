/// What a writer tells a source.
package enum StoreEvent: Sendable, Equatable {
    /// The oldest `batches` of the source's batches that it was not told of yet are on disk, in the commit `number`.
    case committed(number: Int64, batches: Int)
    /// From here on, other batches are taken than before.
    case admission(Admission)
    /// The disk may not have what it said to have: nothing more is written or told, and the process has to end.
    case failed(StoreFailure)
}
