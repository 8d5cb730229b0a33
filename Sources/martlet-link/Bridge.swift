import CTunnel
import FoundationEssentials
import Glibc
import LinkEmulator

/// The loop of `martlet-link`: reads packets from both TUN devices and commands from standard input, and writes packets to the other
/// device when they are due.
struct Bridge: ~Copyable {
    private var emulator: Emulator
    private let client: TunnelDevice
    private let server: TunnelDevice
    private var lines = LineReader(descriptor: STDIN_FILENO)
    private var isEnding = false
    private var lateness = Lateness()
    /// Packets whose write to a device failed.
    private var writeFailures: UInt64 = 0

    /// The largest number of packets that are read from one device before the other is read.
    private static let burst = 64

    init(_ emulator: consuming Emulator, client: TunnelDevice, server: TunnelDevice) {
        self.emulator = emulator
        self.client = client
        self.server = server
    }

    /// Runs until the command `quit`, or until standard input ends.
    mutating func run(_ script: [Command]) {
        let start = Self.now()
        for command in script { emulator.perform(command, at: start) }
        Report.write(["event": "ready"])
        while true {
            let now = Self.now()
            deliver(at: now)
            writeEvents()
            if isEnding { break }
            let timeout = emulator.nextInstant.map { $0 > now ? Int64(clamping: $0 - now) : 0 } ?? -1
            let descriptors = [client.descriptor, server.descriptor, lines.isAtEnd ? -1 : lines.descriptor]
            let ready = tunnel_wait(descriptors, CInt(descriptors.count), timeout)
            if ready & 1 != 0 { read(from: .client) }
            if ready & 2 != 0 { read(from: .server) }
            if ready & 4 != 0 { performCommands() }
        }
        report()
    }

    // MARK: Packets

    private mutating func read(from side: Emulator.Side) {
        let device = descriptor(side)
        for _ in 0..<Self.burst {
            guard let slot = emulator.pool.take() else { return discard(from: device) }
            guard let length = emulator.pool.withBuffer(slot, { TunnelDevice.read(device, into: $0) }) else {
                return emulator.pool.giveBack(slot)
            }
            emulator.received(Packet(slot: slot, length: length), from: side, at: Self.now())
        }
    }

    private mutating func discard(from device: CInt) {
        var octets = [UInt8](repeating: 0, count: emulator.pool.packetSize)
        let length = octets.withUnsafeMutableBytes { TunnelDevice.read(device, into: $0) }
        if length != nil { emulator.receivedWithoutSlot() }
    }

    private mutating func deliver(at now: Nanoseconds) {
        while let delivery = emulator.next(at: now) {
            let device = descriptor(delivery.side)
            let isTaken = emulator.pool.withOctets(of: delivery.packet) { TunnelDevice.write($0, to: device) }
            emulator.pool.giveBack(delivery.packet.slot)
            if !isTaken { writeFailures += 1 }
            lateness.record(now - delivery.due)
        }
    }

    private func descriptor(_ side: Emulator.Side) -> CInt {
        side == .client ? client.descriptor : server.descriptor
    }

    // MARK: Commands and events

    private mutating func performCommands() {
        while let line = lines.next() {
            do throws(CommandParser.Failure) {
                if let command = try CommandParser.parse(line) { emulator.perform(command, at: Self.now()) }
            } catch {
                Report.write(["event": "error", "line": line, "error": error.description])
            }
        }
        if lines.isAtEnd { isEnding = true }
    }

    private mutating func writeEvents() {
        for event in emulator.takeEvents() {
            switch event {
            case .nat(let news):
                Report.write(Report.Binding(news, clockOffset: Self.clockOffset))
            case .report: report()
            case .quit: isEnding = true
            }
        }
    }

    private func report() {
        Report.write(Report.Counters(emulator.counters, lateness, writeFailures: writeFailures))
    }

    // MARK: Clocks

    private static func now() -> Nanoseconds { read(CLOCK_MONOTONIC) }

    /// The difference of the clock since 1970 and the monotonic clock.
    private static var clockOffset: Nanoseconds { read(CLOCK_REALTIME) - read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> Nanoseconds {
        var time = timespec()
        clock_gettime(clock, &time)
        return Nanoseconds(time.tv_sec) * 1_000_000_000 + Nanoseconds(time.tv_nsec)
    }
}
