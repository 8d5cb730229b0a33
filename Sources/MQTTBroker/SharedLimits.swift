/// The limits of a listener or of a whole broker, held by reference by all that keep to them: some 40 values, which are not
/// to be copied with every call.
package final class SharedLimits: Sendable {
    package let values: Limits

    package init(_ values: Limits) { self.values = values }
}
