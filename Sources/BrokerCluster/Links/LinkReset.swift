/// Why a link began anew. What was handed over before and had not come is lost, in both directions.
package enum LinkReset: Equatable, Sendable {
    /// More waited than `LinkLimits.hardMaximumOctets`, since the other shard does not keep up or cannot be reached.
    case overflowed
    /// The other side began anew: it was overflowed, or had closed the link.
    case byOtherSide
    /// A frame of the other shard could not be read; in words.
    case malformed(String)
}
