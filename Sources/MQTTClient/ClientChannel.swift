import DequeModule
import MQTTCodec
import NIOCore

/// What ``MQTTClient`` keeps for its connection, and for each data stream beside it: the messages that wait for a reader, and
/// the tasks that wait to write.
final class ClientChannel {
    let link: any ClientLink
    /// Messages that may wait for the reader before no more is read.
    let messageLimit: Int
    private(set) var received = Deque<Publish>()
    var reader: CheckedContinuation<Void, any Error>?
    /// Publishers that wait until the link takes more, or for what they posted.
    var writers: [CheckedContinuation<Void, Never>] = []
    /// Posted messages without their final acknowledgement.
    var posted = 0
    var postFailure: ReasonCode?
    var end = End.open

    enum End {
        case open
        case closed(ClientError?)
    }

    init(_ link: any ClientLink, messageLimit: Int) {
        self.link = link
        self.messageLimit = messageLimit
    }

    func deliver(_ message: Publish) {
        var copy = message
        copy.topic = ByteBuffer(ByteBufferView(message.topic))
        copy.payload = ByteBuffer(ByteBufferView(message.payload))
        received.append(copy)
        if received.count >= messageLimit { link.isReadingPaused = true }
        wakeReader()
    }

    func takeMessage() -> Publish? {
        let message = received.popFirst()
        if received.count <= messageLimit / 2 { link.isReadingPaused = false }
        return message
    }

    func takeMessages() -> [Publish] {
        let messages = Array(received)
        received.removeAll(keepingCapacity: true)
        link.isReadingPaused = false
        return messages
    }

    func settled(_ code: ReasonCode) {
        posted -= 1
        if code.isError { postFailure = postFailure ?? code }
        wakeWriters()
    }

    func close(_ error: ClientError?) {
        end = .closed(error)
        link.isReadingPaused = false
        wakeWriters()
        wakeReader()
    }

    func wakeReader() {
        reader?.resume()
        reader = nil
    }

    func cancelReader() {
        reader?.resume(throwing: CancellationError())
        reader = nil
    }

    func wakeWriters() {
        let waiting = writers
        writers = []
        for writer in waiting { writer.resume() }
    }
}
