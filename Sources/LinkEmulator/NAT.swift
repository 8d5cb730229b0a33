/// A network address translator (NAT) on the clients' side of the link, with endpoint-independent mapping and filtering
/// (RFC 4787 §4.1, §5), the least restrictive kind.
struct NAT {
    private let configuration: NATConfiguration
    private var bindings: [Key: Binding] = [:]
    /// Bindings by their outside endpoints.
    private var insides: [Key: Endpoint] = [:]
    private var nextPort: UInt16
    private(set) var counters = NATCounters()
    /// News of bindings that have carried their first packet in a direction since they were made or changed.
    private(set) var news: [NATNews] = []

    /// An inside or outside endpoint of one protocol, by which bindings are found.
    private struct Key: Hashable {
        let transport: Transport
        let endpoint: Endpoint
    }

    /// A mapping of an inside endpoint to an outside endpoint (RFC 4787 §4).
    private struct Binding {
        var outside: Endpoint
        /// The outside before the last rebinding.
        var before: Endpoint?
        var lastUsed: Nanoseconds
        /// What the next packet of the binding in that direction is reported as; nil for nothing.
        var awaited: NATNews.Kind? = .bound
    }

    private static let firstPort: UInt16 = 1024

    init(_ configuration: NATConfiguration, seed: UInt64) {
        self.configuration = configuration
        var draws = SeededGenerator(seed: seed, purpose: 0xFFFF)
        nextPort = Self.firstPort + UInt16(draws.next(upTo: 40_000))
    }

    mutating func takeNews() -> [NATNews] {
        defer { news.removeAll(keepingCapacity: true) }
        return news
    }

    // MARK: Packets

    /// - Returns: false if the packet is dropped.
    mutating func translateOutwards(_ packet: IPv4View, at now: Nanoseconds) -> Bool {
        guard let (transport, inside) = packet.inner else {
            counters.untranslatable += 1
            return false
        }
        let key = Key(transport: transport, endpoint: inside)
        if let binding = bindings[key], isExpired(binding, transport, at: now) { remove(key, binding) }
        guard var binding = bindings[key] ?? make(key, at: now) else {
            counters.refused += 1
            return false
        }
        binding.lastUsed = now
        if case .bound = binding.awaited { tell(key, &binding, at: now, next: .answered) }
        bindings[key] = binding
        packet.rewriteSource(to: binding.outside)
        return true
    }

    /// - Returns: false if no binding is found.
    mutating func translateInwards(_ packet: IPv4View, at now: Nanoseconds) -> Bool {
        guard let (transport, outside) = packet.outer else {
            counters.untranslatable += 1
            return false
        }
        guard let inside = insides[Key(transport: transport, endpoint: outside)] else {
            counters.unmatched += 1
            return false
        }
        let key = Key(transport: transport, endpoint: inside)
        guard var binding = bindings[key], !isExpired(binding, transport, at: now) else {
            if let binding = bindings[key] { remove(key, binding) }
            counters.unmatched += 1
            return false
        }
        binding.lastUsed = now
        if case .answered = binding.awaited { tell(key, &binding, at: now, next: nil) }
        bindings[key] = binding
        packet.rewriteDestination(to: inside)
        return true
    }

    private mutating func tell(_ key: Key, _ binding: inout Binding, at now: Nanoseconds, next: NATNews.Kind?) {
        guard let kind = binding.awaited else { return }
        binding.awaited = next
        news.append(
            NATNews(
                kind: kind,
                transport: key.transport,
                inside: key.endpoint,
                outside: binding.outside,
                instant: now
            )
        )
    }

    // MARK: Bindings

    /// Gives flows other outside endpoints. Packets under way to the earlier endpoints find no binding.
    mutating func rebind(_ scope: FlowScope, _ change: NATChange) {
        for key in keys(scope) {
            guard let binding = bindings[key], let outside = outside(of: binding, key.transport, change) else {
                continue
            }
            insides[Key(transport: key.transport, endpoint: binding.outside)] = nil
            insides[Key(transport: key.transport, endpoint: outside)] = key.endpoint
            bindings[key]?.outside = outside
            bindings[key]?.before = binding.outside
            bindings[key]?.awaited = .bound
            counters.rebound += 1
        }
    }

    private mutating func outside(of binding: Binding, _ transport: Transport, _ change: NATChange) -> Endpoint? {
        if change == .back, let before = binding.before, isFree(before, transport) { return before }
        return endpoint(for: transport, instead: binding.outside, change == .back ? .port : change)
    }

    /// Removes bindings, as their timeout does.
    mutating func expire(_ scope: FlowScope) {
        for key in keys(scope) {
            if let binding = bindings[key] { remove(key, binding) }
        }
    }

    /// The bindings in an order that is the same in each run, unlike a dictionary's.
    private func keys(_ scope: FlowScope) -> [Key] {
        func rank(_ key: Key) -> (UInt8, UInt32, UInt16) {
            (key.transport.rawValue, key.endpoint.address, key.endpoint.port)
        }
        return bindings.keys.filter { scope.holds($0.endpoint) }.sorted { rank($0) < rank($1) }
    }

    private func isExpired(_ binding: Binding, _ transport: Transport, at now: Nanoseconds) -> Bool {
        let timeout = transport == .tcp ? configuration.timeoutTCP : configuration.timeoutUDP
        return now > binding.lastUsed && now - binding.lastUsed > timeout
    }

    private mutating func remove(_ key: Key, _ binding: Binding) {
        insides[Key(transport: key.transport, endpoint: binding.outside)] = nil
        bindings[key] = nil
        counters.expired += 1
        counters.bindings = UInt64(bindings.count)
    }

    private mutating func make(_ key: Key, at now: Nanoseconds) -> Binding? {
        // A client's flows share one outside address (RFC 4787 §4.1, "paired").
        let choice = configuration.addresses[Int(key.endpoint.address) % configuration.addresses.count]
        let wish = Endpoint(address: choice, port: 0)
        guard let outside = endpoint(for: key.transport, instead: wish, .port) else { return nil }
        let binding = Binding(outside: outside, lastUsed: now)
        bindings[key] = binding
        insides[Key(transport: key.transport, endpoint: outside)] = key.endpoint
        counters.made += 1
        counters.bindings = UInt64(bindings.count)
        return binding
    }

    /// A free outside endpoint that differs from `old` in address, port or both, as the change says.
    private mutating func endpoint(
        for transport: Transport,
        instead old: Endpoint,
        _ change: NATChange
    ) -> Endpoint? {
        var address = old.address
        if change != .port {
            guard configuration.addresses.count > 1, let place = configuration.addresses.firstIndex(of: old.address)
            else { return nil }
            address = configuration.addresses[(place + 1) % configuration.addresses.count]
            let same = Endpoint(address: address, port: old.port)
            if change == .address, isFree(same, transport) { return same }
        }
        for _ in Self.firstPort ... .max {
            let candidate = Endpoint(address: address, port: nextPort)
            nextPort = nextPort == .max ? Self.firstPort : nextPort + 1
            if candidate.port != old.port, isFree(candidate, transport) { return candidate }
        }
        return nil
    }

    private func isFree(_ endpoint: Endpoint, _ transport: Transport) -> Bool {
        insides[Key(transport: transport, endpoint: endpoint)] == nil
    }
}
