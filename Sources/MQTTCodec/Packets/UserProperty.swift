/// A name and a value that pass through the broker unread (MQTT 5.0 §3.3.2.3.7). Names may repeat.
package struct UserProperty: Equatable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
