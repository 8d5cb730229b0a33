internal import CDatagrams
import Glibc

/// Datagrams of many connections, sent by few system calls (sendmmsg).
///
/// Packets are written one after the other into one stretch of memory. Packets of equal length that go the same way
/// become one message, a train, which the kernel cuts (UDP_SEGMENT), as long as it does not refuse that.
@safe final class TransmitBatch {
    /// The result of sending a batch.
    enum Outcome {
        case sent
        /// The socket's buffer is full. Datagrams that are not sent stay in the batch.
        case blocked
        /// Sent, except for datagrams that the kernel refused, perhaps because the local address no longer exists.
        case doubtful(errno: CInt)
    }

    /// Room for several full trains.
    static let capacity = 256 * 1024
    /// The kernel's bounds for one train: datagrams, and octets.
    private static let maximumSegments = 64
    private static let maximumTrain = 65_000

    private let memory: UnsafeMutableRawBufferPointer
    private let messages: UnsafeMutableBufferPointer<datagram_message>
    private var used = 0
    private(set) var messageCount = 0
    private var trainIsOpen = false
    private var segments = 0
    /// True if the kernel does not cut trains (UDP_SEGMENT): it refused to, or is not asked.
    private(set) var offloadRefused: Bool
    /// An error that may concern the socket and not the datagram alone.
    private var socketError: CInt = 0

    /// Messages that are handed to the kernel by one call.
    private let messagesPerCall: Int

    init(_ configuration: QUICSocketConfiguration) {
        self.messagesPerCall = configuration.messagesPerCall
        self.offloadRefused = !configuration.offloadsSegmentation
        unsafe self.memory = .allocate(byteCount: Self.capacity, alignment: 16)
        unsafe self.messages = .allocate(capacity: Int(DATAGRAM_BATCH))
        unsafe self.messages.initialize(repeating: datagram_message())
    }

    deinit {
        unsafe self.memory.deallocate()
        unsafe self.messages.deallocate()
    }

    var isEmpty: Bool { self.messageCount == 0 }

    /// Datagrams in the batch.
    var datagramCount: Int {
        (0..<self.messageCount).reduce(0) { unsafe $0 + self.messages[$1].datagramCount }
    }

    /// True if there is room for a packet of the size, octets.
    func hasRoom(for count: Int) -> Bool {
        self.used + count <= Self.capacity && self.messageCount < Int(DATAGRAM_BATCH)
    }

    /// The memory that the next packet is to be written to.
    func tail(_ count: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: self.memory[self.used..<self.used + count])
    }

    /// Takes the packet that was written to the tail.
    func append(_ count: Int, from source: DatagramAddress?, to destination: DatagramAddress, ecn: UInt8) {
        defer { self.used += count }
        if self.trainIsOpen, self.segments < Self.maximumSegments {
            let last = unsafe self.messages[self.messageCount - 1]
            if unsafe count <= last.segment, Int(unsafe last.count) + count <= Self.maximumTrain,
                unsafe last.ecn == ecn,
                unsafe DatagramAddress(last.destination) == destination,
                unsafe last.has_source == (source != nil),
                source.map({ unsafe $0 == DatagramAddress(last.source) }) ?? true
            {
                unsafe self.messages[self.messageCount - 1].count += UInt32(count)
                self.segments += 1
                self.trainIsOpen = unsafe count == Int(last.segment)
                return
            }
        }
        unsafe self.messages[self.messageCount] = datagram_message(
            bytes: UnsafePointer(self.memory.baseAddress?.advanced(by: self.used).assumingMemoryBound(to: UInt8.self)),
            count: UInt32(count),
            segment: UInt16(count),
            ecn: ecn,
            has_source: source != nil,
            source: source?.raw ?? datagram_address(),
            destination: destination.raw
        )
        self.messageCount += 1
        self.segments = 1
        self.trainIsOpen = !self.offloadRefused
    }

    /// Takes a packet that was written elsewhere.
    func append(_ packet: [UInt8], from source: DatagramAddress?, to destination: DatagramAddress) {
        unsafe self.tail(packet.count).copyBytes(from: packet)
        self.append(packet.count, from: source, to: destination, ecn: 0)
    }

    /// Sends the batch. A datagram that the kernel refuses for good is counted and dropped; the others are sent.
    func send(on descriptor: CInt, counters: inout QUICCounters) -> Outcome {
        var next = 0
        while next < self.messageCount {
            let pending = unsafe UnsafeBufferPointer(
                rebasing: self.messages[next..<self.messageCount].prefix(self.messagesPerCall)
            )
            let taken = unsafe datagram_messages_send(descriptor, pending.baseAddress, UInt32(pending.count))
            counters.sendCalls += 1
            if taken > 0 {
                for index in next..<next + Int(taken) {
                    unsafe counters.datagramsOut += self.messages[index].datagramCount
                    unsafe counters.bytesOut += Int(self.messages[index].count)
                }
                next += Int(taken)
            } else if taken == -EAGAIN || taken == -ENOBUFS {
                counters.sendsBlocked += 1
                self.keep(from: next)
                return .blocked
            } else if unsafe self.messages[next].datagramCount > 1 {
                // The device or the route cannot cut trains (EIO, EINVAL), or a segment is too long for it (EMSGSIZE, and
                // with some kernels EINVAL), or nothing can be sent that way (EINVAL).
                let failures = counters.sendFailures + counters.datagramsTooLong
                let blocked = unsafe self.sendSingly(&self.messages[next], on: descriptor, counters: &counters)
                if blocked {
                    self.keep(from: next)
                    return .blocked
                }
                let singlesPassed = counters.sendFailures + counters.datagramsTooLong == failures
                if taken == -EIO || taken == -EINVAL && singlesPassed { self.offloadRefused = true }
                next += 1
            } else {
                self.note(-taken, &counters)
                next += 1
            }
        }
        self.clear()
        defer { self.socketError = 0 }
        return self.socketError == 0 ? .sent : .doubtful(errno: self.socketError)
    }

    #if DEBUG || FUZZING
        /// Passes each datagram on with its destination instead of sending it, and clears the batch.
        func divert(to wire: ([UInt8], DatagramAddress) -> Void) {
            for index in 0..<self.messageCount {
                let message = unsafe self.messages[index]
                let train = unsafe UnsafeRawBufferPointer(start: message.bytes, count: Int(message.count))
                for start in unsafe stride(from: 0, to: train.count, by: Int(message.segment)) {
                    let datagram = unsafe Array(train[start...].prefix(Int(message.segment)))
                    unsafe wire(datagram, DatagramAddress(message.destination))
                }
            }
            self.clear()
        }
    #endif

    private func note(_ error: CInt, _ counters: inout QUICCounters) {
        if error == EMSGSIZE {
            counters.datagramsTooLong += 1
            return
        }
        counters.sendFailures += 1
        // Errors of a socket whose local address no longer exists.
        if [EINVAL, EADDRNOTAVAIL, ENETUNREACH].contains(error) { self.socketError = error }
    }

    /// Sends a train one datagram at a time; on a full buffer leaves the rest in the message and returns true.
    private func sendSingly(
        _ message: inout datagram_message,
        on descriptor: CInt,
        counters: inout QUICCounters
    ) -> Bool {
        while unsafe message.count > 0 {
            var single = unsafe message
            unsafe single.count = unsafe min(message.count, UInt32(message.segment))
            unsafe single.segment = unsafe UInt16(single.count)
            let taken = unsafe datagram_messages_send(descriptor, &single, 1)
            counters.sendCalls += 1
            if taken == -EAGAIN || taken == -ENOBUFS {
                counters.sendsBlocked += 1
                return true
            }
            if taken > 0 {
                counters.datagramsOut += 1
                unsafe counters.bytesOut += Int(single.count)
            } else {
                self.note(-taken, &counters)
            }
            unsafe message.bytes = message.bytes?.advanced(by: Int(single.count))
            unsafe message.count -= single.count
        }
        return false
    }

    private func keep(from next: Int) {
        guard next > 0 else { return }
        for index in next..<self.messageCount {
            unsafe self.messages[index - next] = self.messages[index]
        }
        self.messageCount -= next
        self.trainIsOpen = false
    }

    /// Drops all datagrams of the batch.
    func clear() {
        self.used = 0
        self.messageCount = 0
        self.segments = 0
        self.trainIsOpen = false
    }
}

extension datagram_message {
    fileprivate var datagramCount: Int {
        guard unsafe self.segment > 0 else { return 1 }
        return unsafe (Int(self.count) + Int(self.segment) - 1) / Int(self.segment)
    }
}
