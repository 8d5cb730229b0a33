/// `listeners`: where clients come in. Listeners of a kind have names; the first one is usually called `default`.
package struct ListenersConfiguration: ConfigurationSection {
    /// There is always a `default`, on the loopback interface unless its `bind` says otherwise; `enable = false` turns
    /// it off.
    package var tcp = ["default": TCPListenerConfiguration()]
    /// Empty when there is a file that configures none; without a file there is a `default` on the loopback interface.
    package var quic: [String: QUICListenerConfiguration] = [:]

    package init() {}

    package static var fields: [Field<Self>] {
        [.named("tcp", \.tcp), .named("quic", \.quic)]
    }

    /// Two listeners cannot have one port: that would fail at start with the second one's name, and less clearly.
    package mutating func settle(at path: [String], in reading: inout SchemaReading) {
        func refuseTwice(_ binds: [(name: String, bind: BindAddress)], kind: String, in reading: inout SchemaReading) {
            var seen: [BindAddress: String] = [:]
            for (name, bind) in binds.sorted(by: { $0.name < $1.name }) where bind.port != 0 {
                if let other = seen[bind] {
                    reading.add(
                        ConfigurationProblem(
                            origin: reading.origin(at: path + [kind, name, "bind"])
                                ?? reading.origin(at: path + [kind, other, "bind"]) ?? .builtIn,
                            key: HOCONText.path(path + [kind, name, "bind"]),
                            message: "\(bind) is already the address of the listener \(other)",
                            allowed: "an address and port that no other \(kind) listener has"
                        )
                    )
                }
                seen[bind] = name
            }
        }
        refuseTwice(tcp.filter(\.value.isEnabled).map { ($0.key, $0.value.bind) }, kind: "tcp", in: &reading)
        refuseTwice(quic.filter(\.value.isEnabled).map { ($0.key, $0.value.bind) }, kind: "quic", in: &reading)
    }
}
