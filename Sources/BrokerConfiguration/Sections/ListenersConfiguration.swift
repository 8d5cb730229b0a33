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

    /// Two listeners of one protocol cannot have one port: the start would fail, and not say which two they are.
    package mutating func settle(at path: [String], in reading: inout SchemaReading) {
        func bound(_ kind: String, _ listeners: [String: some ListenerConfiguration], in reading: SchemaReading)
            -> [Bound]
        {
            listeners.filter { $0.value.isEnabled && $0.value.bind.port != 0 }.sorted { $0.key < $1.key }.map {
                let path = path + [kind, $0.key]
                return Bound(
                    path: path,
                    bind: $0.value.bind,
                    bindOrigin: reading.origin(at: path + ["bind"]),
                    origin: reading.origin(at: path)
                )
            }
        }
        Self.refuseCollisions(among: bound("tcp", tcp, in: reading) + bound("ssl", tls, in: reading), in: &reading)
        Self.refuseCollisions(among: bound("quic", quic, in: reading), in: &reading)
    }

    private struct Bound {
        let path: [String]
        let bind: BindAddress
        /// Where its address was set, or nil when it is the built-in one.
        let bindOrigin: Origin?
        /// Where anything of it was set, or nil when all of it is built in.
        let origin: Origin?

        /// Whether it, rather than `other`, is to be changed: more was said about it.
        func isMoreDeliberate(than other: Bound) -> Bool {
            if (bindOrigin == nil) != (other.bindOrigin == nil) { return bindOrigin != nil }
            return origin != nil && other.origin == nil
        }
    }

    private static func refuseCollisions(among listeners: [Bound], in reading: inout SchemaReading) {
        var seen: [BindAddress.Reach: Bound] = [:]
        // Those that reach far come first: then it is enough to look for what takes in the next one.
        for width in BindAddress.Reach.widths {
            for listener in listeners where listener.bind.reach.prefix.count == width {
                let reach = listener.bind.reach
                if let other = reach.including.lazy.compactMap({ seen[$0] }).first {
                    reading.add(
                        other.isMoreDeliberate(than: listener)
                            ? collision(of: other, with: listener) : collision(of: listener, with: other)
                    )
                }
                seen[reach] = listener
            }
        }
    }

    private static func collision(of listener: Bound, with other: Bound) -> ConfigurationProblem {
        let name = HOCONText.path(other.path)
        let choice = other.bindOrigin == nil ? ", or \(name).enable = false" : ""
        return ConfigurationProblem(
            origin: listener.bindOrigin ?? listener.origin ?? .builtIn,
            key: HOCONText.path(listener.path + ["bind"]),
            message: "\(listener.bind) collides with \(other.bind), the address of \(name)",
            allowed: "an address and port that no other listener has\(choice)"
        )
    }
}
