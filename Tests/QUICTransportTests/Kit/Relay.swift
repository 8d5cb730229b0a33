import NIOCore

/// A NAT between one client and a server, whose outer address changes as the test wants.
final class Relay {
    /// What the client believes to be the server.
    let inner: PlainSocket
    /// Where the client's datagrams go.
    var server: SocketAddress
    private var outer: [PlainSocket] = []
    private var current = 0
    private var firstValid = 0
    private(set) var client: SocketAddress?
    /// Whether nothing of the client comes through.
    var isCut = false
    /// Whether the server's answers reach the client.
    var forwardsAnswers = true
    /// Whether what is sent to an address that the client has left gets lost.
    var forgetsOldAddresses = false
    /// Datagrams of the client that came through.
    private(set) var forwarded = 0
    /// How often the client spoke after the server, since the address changed: the round trips that something took.
    private(set) var flights = 0
    private var serverSpoke = true
    /// Where the server's answers came from.
    var sources: [SocketAddress] = []

    init(to server: SocketAddress, on loop: any EventLoop, isolation: isolated (any Actor)? = #isolation) async throws {
        self.server = server
        self.inner = try await PlainSocket.bind(on: loop)
        try await self.changeAddress(on: loop)
        self.inner.onReceived = { [weak self] envelope in
            guard let self, !self.isCut else { return }
            self.client = envelope.remoteAddress
            self.forwarded += 1
            if self.serverSpoke { self.flights += 1 }
            self.serverSpoke = false
            self.outer[self.current].send(envelope.data, to: self.server)
        }
    }

    /// The server sees the client at another address from now on.
    ///
    /// - Parameter forgets: what is sent to the old address gets lost, as when a binding has expired.
    func changeAddress(
        on loop: any EventLoop,
        forgets: Bool = false,
        isolation: isolated (any Actor)? = #isolation
    ) async throws {
        let socket = try await PlainSocket.bind(on: loop)
        let binding = self.outer.count
        if forgets { self.firstValid = binding }
        socket.onReceived = { [weak self] envelope in
            guard let self, self.forwardsAnswers, binding >= self.firstValid, let client = self.client else { return }
            guard !self.forgetsOldAddresses || binding == self.current else { return }
            self.serverSpoke = true
            if self.sources.last != envelope.remoteAddress { self.sources.append(envelope.remoteAddress) }
            self.inner.send(envelope.data, to: client)
        }
        self.outer.append(socket)
        self.flights = 0
        self.serverSpoke = true
        self.current = self.outer.count - 1
    }

    /// The server sees the client where it was first, or at another address that it had before.
    func goBack(to binding: Int = 0) {
        self.flights = 0
        self.serverSpoke = true
        self.current = binding
    }

    var address: SocketAddress { get throws { try self.outer[self.current].address } }

    func close(isolation: isolated (any Actor)? = #isolation) async throws {
        for socket in [self.inner] + self.outer { try await socket.close() }
    }
}
