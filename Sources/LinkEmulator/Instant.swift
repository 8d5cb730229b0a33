/// An instant of a monotonic clock, or a length of time, in nanoseconds. The caller reads the clock.
package typealias Nanoseconds = UInt64
