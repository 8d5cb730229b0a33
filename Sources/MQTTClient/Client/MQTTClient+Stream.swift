import DequeModule
import MQTTCodec
import NIOCore

extension MQTTClient {
    /// The user's side of one link: messages that wait for a reader, and tasks that wait to write. Confined to the actor.
    final class Stream {
        let link: ClientLink
        /// Received messages that may wait; from this number on the link does not read.
        let messageLimit: Int
        private(set) var received = Deque<Publish>()
        var reader: CheckedContinuation<Void, any Error>?
        /// Tasks that wait until the link takes more, until what they posted is acknowledged, or for the end.
        var writers: [CheckedContinuation<Void, Never>] = []
        /// Posted messages without their final acknowledgement.
        var posted = 0
        /// The first reason code of failure of a posted message.
        var postFailure: ReasonCode?
        var end = End.open

        /// Whether the link is over, and why.
        enum End {
            case open
            case closed(ClientError?)
        }

        init(_ link: ClientLink, messageLimit: Int) {
            self.link = link
            self.messageLimit = messageLimit
        }

        func deliver(_ message: Publish) {
            var kept = message
            kept.topic = message.topic.unpinned
            kept.payload = message.payload.unpinned
            received.append(kept)
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

        /// A posted message has its final acknowledgement, or will have none.
        func acknowledged(_ code: ReasonCode) {
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
}

extension ByteBuffer {
    /// The same octets in storage of their own, unless they are more than half of their storage: a slice keeps the whole read
    /// buffer in memory.
    var unpinned: ByteBuffer {
        readableBytes > storageCapacity / 2 ? self : ByteBuffer(buffer: self)
    }
}
