/// What a lane has to commit at once: the records since the batch before.
package struct LaneBatch {
    let lane: Lane
    /// 1 for the first batch of the lane, and one more for each further one.
    let position: UInt64
    let records: [LaneRecord]
}
