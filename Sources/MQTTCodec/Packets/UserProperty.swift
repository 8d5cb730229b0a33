/// A name and a value that the broker passes on without using them (MQTT 5.0 §3.3.2.3.7). A name may occur more than once.
package struct UserProperty: Equatable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
