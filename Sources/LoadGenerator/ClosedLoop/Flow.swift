import MQTTClient
import MQTTCodec
import NIOCore

/// One publisher and the subscribers of its topic. A window of messages is in flight; when all subscribers have received one, the
/// next is published.
final class Flow {
    private let worker: ClosedLoopWorker
    private let link: ClientLink
    private let topic: ByteBuffer
    private let qos: QualityOfService
    private let subscribers: Int
    private var payload: ByteBuffer
    /// How many subscribers have received each message of the window. Messages arrive in order, so those before a message that
    /// all have received are complete too.
    private var counts: [Int]

    init(_ publisher: ClosedLoopClient, topic: String, subscribers: Int, worker: ClosedLoopWorker) {
        let options = worker.plan.options
        self.worker = worker
        self.topic = ByteBuffer(string: topic)
        self.subscribers = subscribers
        link = publisher.connection.control
        qos = options.qos
        payload = ByteBuffer(repeating: UInt8(ascii: "a"), count: max(options.size, MemoryLayout<UInt64>.size))
        counts = Array(repeating: 0, count: options.window)
    }

    func start() {
        for _ in counts.indices { publish(.now()) }
    }

    /// - Parameter number: how many messages the subscriber received before.
    func received(_ message: Publish, number: Int) {
        let now = NIODeadline.now()
        let stamp = message.payload.getInteger(at: message.payload.readerIndex, as: UInt64.self) ?? 0
        worker.delivered(after: now.uptimeNanoseconds &- stamp)
        let slot = number % counts.count
        counts[slot] += 1
        guard counts[slot] == subscribers else { return }
        counts[slot] = 0
        if !worker.isStopping { publish(now) }
    }

    private func publish(_ now: NIODeadline) {
        payload.setInteger(now.uptimeNanoseconds, at: 0)
        do throws(ClientError) {
            try link.publish(Publish(topic: topic, payload: payload, qos: qos), now: now)
        } catch {
            worker.failed("\(error)", error: error)
        }
    }
}
