/// A value that no description shows: a password, a key, or what keys are made of.
///
/// As a property wrapper, it keeps the property out of whatever describes the type that holds it: string interpolation,
/// `dump`, a log, an error or the message of a crash.
@propertyWrapper
package struct Secret<Value>: SecretValue {
    package var wrappedValue: Value

    package init(wrappedValue: Value) { self.wrappedValue = wrappedValue }

    package var description: String { "(hidden)" }
}

extension Secret: Sendable where Value: Sendable {}
extension Secret: Equatable where Value: Equatable {}
