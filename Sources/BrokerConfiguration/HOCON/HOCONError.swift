/// Why a HOCON text could not be read.
package struct HOCONError: Error, Equatable, CustomStringConvertible {
    package let origin: Origin
    /// The mistake, and what is allowed instead.
    package let message: String

    package var description: String { "\(origin): \(message)" }
}
