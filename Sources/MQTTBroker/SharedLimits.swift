/// The limits of a whole broker, held by reference by all that keep to them: some 40 values, which are not to be copied with every call. New limits
/// are another object: a connection has that which was in force when its transport was opened, so that what its CONNACK said stays true.
package final class SharedLimits: Sendable {
    package let values: Limits

    package init(_ values: Limits) { self.values = values }
}
