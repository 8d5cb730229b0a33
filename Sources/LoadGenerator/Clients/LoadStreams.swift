import MQTTClient
import NIOCore

/// The streams of one client by their number in the load: 0 is the control stream, data streams are opened at their first use,
/// and again when they have ended.
final class LoadStreams {
    private unowned let client: LoadClient
    private var streams: [Int: ClientLink] = [:]
    /// Priority of a stream unless another is given.
    static let defaultPriority = ClientLink.defaultPriority

    init(_ client: LoadClient) { self.client = client }

    /// The link of a stream, opened if necessary; throws while it cannot be opened.
    func link(_ number: Int, priority: UInt16 = defaultPriority) throws(ClientError) -> ClientLink {
        if number == 0 { return client.connection.control }
        if let stream = streams[number] { return stream }
        let stream = try client.connection.openStream(priority: priority)
        stream.delegate = self
        streams[number] = stream
        return stream
    }
}

extension LoadStreams: ClientLinkDelegate {
    func link(_ link: ClientLink, received event: ClientEvent) {
        guard case .closed(let error) = event else {
            client.role?.received(event)
            return
        }
        guard let number = streams.first(where: { $0.value === link })?.key else { return }
        streams[number] = nil
        guard let error, client.connection.phase == .connected else { return }
        client.worker.counters[.streamsEnded] += 1
        client.say("stream \(number) ended - \(error)")
        client.role?.streamEnded(number)
    }

    func linkBecameWritable(_ link: ClientLink) { client.role?.becameWritable() }
}
