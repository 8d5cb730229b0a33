/// `listeners.tcp.NAME`: MQTT over TCP.
package struct TCPListenerConfiguration: ConfigurationSection, ListenerConfiguration {
    /// Default true.
    package var isEnabled = true
    /// Default `127.0.0.1:1883`: nobody asked for more.
    package var bind = BindAddress(host: "127.0.0.1", port: 1883)
    /// Connections at a time; nil for no limit, the default.
    package var maximumConnections: Int?
    /// How fast new connections are taken; nil for no limit, the default.
    package var connectionRate: EventRate?
    /// New connections that may come at once under the rate; nil for the rate's number. 1 to 1,000,000.
    package var connectionBurst: Int?

    package init() {}

    package static var fields: [Field<Self>] { commonFields + socketFields }
}
