import MQTTBroker
import NIOCore
import QUICTransport

extension QUICStream {
    /// Writes the output of a read burst.
    ///
    /// - Returns: true if the stream is congested: the shard is to queue what follows until the stream is writable.
    func write(_ output: Output) -> Bool {
        for part in output.parts { write(part) }
        if output.buffer.readableBytes > 0 { write(output.buffer) }
        return isCongested
    }
}
