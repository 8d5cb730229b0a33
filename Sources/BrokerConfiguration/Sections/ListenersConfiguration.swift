/// `listeners`: where clients come in. Listeners of a kind have names; the first one is usually called `default`.
package struct ListenersConfiguration: ConfigurationSection {
    /// There is always a `default`, on the loopback interface unless its `bind` says otherwise; `enable = false` turns
    /// it off.
    package var tcp = ["default": TCPListenerConfiguration()]
    /// MQTT over TLS over TCP. Empty when none is configured.
    package var tls: [String: TLSListenerConfiguration] = [:]
    /// Empty when there is a file that configures none; without a file there is a `default` on the loopback interface.
    package var quic: [String: QUICListenerConfiguration] = [:]

    package init() {}

    package static var fields: [Field<Self>] {
        [.named("tcp", \.tcp), .named("ssl", \.tls), .named("quic", \.quic)]
    }

    /// Each with the key it stands at.
    var all: [(key: String, listener: any ListenerConfiguration)] {
        func keyed(_ kind: String, _ listeners: [String: some ListenerConfiguration]) -> [(
            key: String, listener: any ListenerConfiguration
        )] {
            listeners.map { ("listeners.\(kind).\($0.key)", $0.value) }
        }
        return keyed("tcp", tcp) + keyed("ssl", tls) + keyed("quic", quic)
    }

    /// Two listeners cannot have one port: that would fail at start with the second one's name, and less clearly.
    package mutating func settle(at path: [String], in reading: inout SchemaReading) {
        typealias Bound = (kind: String, name: String, bind: BindAddress)
        func bound(_ kind: String, _ listeners: [String: some ListenerConfiguration]) -> [Bound] {
            listeners.filter(\.value.isEnabled).sorted { $0.key < $1.key }.map { (kind, $0.key, $0.value.bind) }
        }
        func refuseTwice(_ listeners: [Bound], in reading: inout SchemaReading) {
            var seen: [BindAddress: Bound] = [:]
            for listener in listeners where listener.bind.port != 0 {
                if let other = seen[listener.bind] {
                    let name = other.kind == listener.kind ? other.name : "\(other.kind).\(other.name)"
                    reading.add(
                        ConfigurationProblem(
                            origin: reading.origin(at: path + [listener.kind, listener.name, "bind"])
                                ?? reading.origin(at: path + [other.kind, other.name, "bind"]) ?? .builtIn,
                            key: HOCONText.path(path + [listener.kind, listener.name, "bind"]),
                            message: "\(listener.bind) is already the address of the listener \(name)",
                            allowed: "an address and port that no other \(listener.kind) listener has"
                        )
                    )
                }
                seen[listener.bind] = listener
            }
        }
        refuseTwice(bound("tcp", tcp) + bound("ssl", tls), in: &reading)
        refuseTwice(bound("quic", quic), in: &reading)
    }
}
