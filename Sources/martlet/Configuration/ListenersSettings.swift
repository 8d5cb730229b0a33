import BrokerConfiguration

/// `listeners`: the listeners of each kind, under names that the user chooses.
struct ListenersSettings {
    /// Always with a `default`, which `enable = false` turns off.
    var tcp = ["default": ListenerSettings<Void>.tcp]
    var tls: [String: ListenerSettings<CertificateSettings>] = [:]
    /// Without a file there is a `default`.
    var quic: [String: ListenerSettings<QUICListenerOptions>] = [:]

    static var section: Section<Self> {
        Section(
            [
                .named("tcp", \.tcp, of: .tcp, ListenerSettings<Void>.section),
                .named("ssl", \.tls, of: .tls, ListenerSettings<CertificateSettings>.section),
                .named("quic", \.quic, of: .quic, ListenerSettings<QUICListenerOptions>.section),
                .turnedOff("ws", isOnByDefault: true, because: "MQTT over WebSocket is not built"),
                .turnedOff("wss", isOnByDefault: true, because: "MQTT over WebSocket is not built"),
            ],
            complete: { listeners, _, reading in listeners.refuseCollisions(in: &reading) }
        )
    }

    /// A listener of any kind, and the key that it stands at.
    struct Place {
        let path: [String]
        let isEnabled: Bool
        let bind: BindAddress

        fileprivate init(_ kind: String, _ name: String, _ settings: ListenerSettings<some Any>) {
            path = ["listeners", kind, name]
            isEnabled = settings.isEnabled
            bind = settings.bind
        }
    }

    /// In the order of their keys.
    var all: [Place] { streams + datagrams }

    private var streams: [Place] {
        tcp.sorted { $0.key < $1.key }.map { Place("tcp", $0.key, $0.value) }
            + tls.sorted { $0.key < $1.key }.map { Place("ssl", $0.key, $0.value) }
    }

    var datagrams: [Place] { quic.sorted { $0.key < $1.key }.map { Place("quic", $0.key, $0.value) } }

    /// Two listeners of one protocol cannot have one port: the start would fail, and not say which two they are.
    private func refuseCollisions(in reading: inout SchemaReading) {
        for places in [streams, datagrams] {
            var seen: [BindAddress.Reach: Place] = [:]
            let bound = places.filter { $0.isEnabled && $0.bind.port != 0 }
            // The widest binds first: then it is enough to look for a bind that contains the next one.
            for width in BindAddress.Reach.widths {
                for place in bound where place.bind.reach.prefix.count == width {
                    if let other = place.bind.reach.including.lazy.compactMap({ seen[$0] }).first {
                        reading.add(Self.collision(place, other, in: reading))
                    }
                    seen[place.bind.reach] = place
                }
            }
        }
    }

    /// Names the listener that more was said about: the user can change that one.
    private static func collision(_ left: Place, _ right: Place, in reading: SchemaReading) -> ConfigurationProblem {
        func bindOrigin(_ place: Place) -> Origin? { reading.origin(at: place.path + ["bind"]) }
        func origin(_ place: Place) -> Origin? { reading.origin(at: place.path) }
        let isRightMoreDeliberate =
            (bindOrigin(left) == nil) != (bindOrigin(right) == nil)
            ? bindOrigin(right) != nil : origin(right) != nil && origin(left) == nil
        let (named, other) = isRightMoreDeliberate ? (right, left) : (left, right)
        let otherKey = HOCONText.path(other.path)
        return ConfigurationProblem(
            origin: bindOrigin(named) ?? origin(named) ?? .builtIn,
            key: HOCONText.path(named.path + ["bind"]),
            message: "\(named.bind) collides with \(other.bind), the address of \(otherKey)",
            allowed: "an address and port that no other listener has"
                + (bindOrigin(other) == nil ? ", or \(otherKey).enable = false" : "")
        )
    }
}
