/// A data stream of an ``MQTTClient``; a name for it that outlives it.
package struct ClientStreamID: Sendable, Hashable {
    let number: UInt64
}

extension MQTTClient {
    /// Opens a data stream beside the connection, over QUIC. Messages and subscriptions on it have an order and a flow control
    /// of their own; it ends with the connection at the latest.
    ///
    /// - Parameter priority: what is written on streams of a higher one is sent first.
    /// - Throws: ``ClientError/streamsNotSupported``, ``ClientError/streamLimitReached``, ``ClientError/notConnected``.
    package func openStream(priority: UInt16 = ClientConnection.defaultPriority) throws(ClientError) -> ClientStreamID {
        let stream = try link.openStream(priority: priority)
        stream.delegate = self
        return add(stream)
    }

    /// Ends a stream behind what was written, and its subscriptions with it, and waits until the server has answered all of
    /// it. What it has not acknowledged finally goes on on the connection.
    ///
    /// - Throws: ``ClientError`` when the stream ended otherwise.
    package func close(_ id: ClientStreamID) async throws {
        guard let channel = channel(id), let stream = channel.link as? ClientStream else { return }
        stream.finish()
        while case .open = channel.end {
            await withCheckedContinuation { channel.writers.append($0) }
        }
        forget(id)
        if case .closed(let error?) = channel.end { throw error }
    }

    /// Abandons a stream in both directions. What is not acknowledged finally goes on on the connection.
    package func reset(_ id: ClientStreamID, code: UInt64 = 0) {
        (channel(id)?.link as? ClientStream)?.reset(code: code)
        forget(id)
    }
}

extension MQTTClient: ClientStreamDelegate {
    package nonisolated func stream(_ stream: ClientStream, received event: ClientEvent) {
        let link = ObjectIdentifier(stream)
        assumeIsolated { client in
            guard let channel = client.channel(of: link) else { return }
            client.handle(event, on: channel)
        }
    }

    package nonisolated func streamBecameWritable(_ stream: ClientStream) {
        let link = ObjectIdentifier(stream)
        assumeIsolated { $0.channel(of: link)?.wakeWriters() }
    }
}
