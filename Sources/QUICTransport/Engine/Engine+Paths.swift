extension Engine {
    /// The path of a datagram.
    ///
    /// - Parameter local: where it arrived; `nil` for the address of the handshake.
    func path(from remote: DatagramAddress, to local: DatagramAddress?) -> ClientPath {
        guard self.isServer, let local = local?.withoutPort, local != self.localAddress else {
            return ClientPath(remote)
        }
        return ClientPath(remote, at: local)
    }

    /// True for the path that was validated last.
    ///
    /// - Parameter remote: the address that was validated last.
    func isValidated(_ path: ClientPath, remote: DatagramAddress) -> Bool {
        self.aliases?.isValidated(path) ?? (path == ClientPath(remote))
    }

    /// Notes that a datagram comes on another path than the one that was validated last. Clients choose their paths.
    func expectPaths(besides validated: DatagramAddress) {
        if self.isServer, self.aliases == nil { self.aliases = PathAliases(first: validated) }
    }

    /// The address that ngtcp2 is told for a path.
    func alias(for path: ClientPath) -> DatagramAddress {
        self.aliases?.alias(for: path, current: self.remoteAddress) ?? path.remote
    }

    /// The path that ngtcp2 names by an alias.
    func path(of alias: DatagramAddress) -> ClientPath { self.aliases?.path(of: alias) ?? ClientPath(alias) }

    /// Notes that the path to an address, as ngtcp2 names it, is validated.
    func didValidate(_ alias: DatagramAddress) { self.aliases?.validate(alias) }
}
