import MQTTBroker
import NIOCore
import QUICTransport

extension QUICStream {
    /// Returns whether the stream counts as slow by now: its shard is to keep what follows until it is writable.
    func write(_ output: Output) -> Bool {
        for part in output.parts { write(part) }
        if output.buffer.readableBytes > 0 { write(output.buffer) }
        return isCongested
    }
}
