import MQTTClient
import MQTTCodec
import NIOCore
import QUICTransport

/// The part of a client in the load: publisher or subscriber.
protocol LoadRole: AnyObject {
    func connected(sessionPresent: Bool)
    /// The signal of `--wait-before-publishing`.
    func start()
    func received(_ event: ClientEvent)
    func becameWritable()
    /// The server has ended a data stream.
    func streamEnded(_ number: Int)
    /// The connection is lost; `finally` is true if the client will not connect again.
    func closed(finally: Bool)
}

/// One client of a load: it connects, also again where the options allow it, and passes events to its role.
final class LoadClient {
    let identity: ClientIdentity
    let connection: ClientConnection
    private(set) var role: (any LoadRole)?
    private var mover: Mover?
    let worker: Worker

    private let ticketOwner: TicketFile.Owner
    private var retriesLeft: Int
    private var reconnectsLeft: Int
    private var hasConnected = false
    /// True from CONNACK to the end of the connection.
    private var isConnected = false
    private var connectStarted = NIODeadline.uptimeNanoseconds(0)

    private static let retryDelay = TimeAmount.seconds(1)

    init(index: Int, worker: Worker) {
        let plan = worker.plan
        let identity = ClientIdentity(index: index, options: plan.options)
        self.worker = worker
        self.identity = identity
        ticketOwner = plan.ticketOwner(index, identity)
        retriesLeft = plan.options.connectRetries
        reconnectsLeft = plan.options.reconnects
        connection = ClientConnection(
            configuration: plan.configuration(identity),
            target: plan.target(index),
            loop: worker.loop
        )
        connection.ticket = plan.tickets?.tickets[ticketOwner]
        connection.control.delegate = self
        mover = plan.options.migrationInterval.map { Mover(self, index: index, interval: $0) }
        switch plan.options.command {
        case .pub: role = Publisher(self)
        case .sub: role = Subscriber(self)
        default: role = nil
        }
    }

    func connect() {
        connectStarted = .now()
        connection.connect()
    }

    /// The QUIC session ticket for the next run (`--load-qst`).
    var ticket: (owner: TicketFile.Owner, ticket: QUICSessionTicket)? { connection.ticket.map { (ticketOwner, $0) } }

    /// Prints a line in the form of emqtt_bench.
    func say(_ text: @autoclosure () -> String) {
        worker.say("client(\(identity.number)): \(text())")
    }

    private func connected(_ answer: ConnectAcknowledgement) {
        worker.counters[hasConnected ? .reconnected : .connected] += 1
        if hasConnected { worker.lost -= 1 }
        isConnected = true
        if connection.earlyData == .accepted { worker.counters[.early] += 1 }
        worker.latencies.connect.record(microseconds: (.now() - connectStarted).microseconds)
        let isFirst = !hasConnected
        hasConnected = true
        role?.connected(sessionPresent: answer.sessionPresent && !isFirst)
        mover?.start()
        if isFirst { worker.clientTried() }
    }

    private func closed(_ error: ClientError?) {
        guard !worker.isStopping else { return }
        count(error)
        if isConnected { worker.lost += 1 }
        isConnected = false
        if hasConnected {
            say("disconnected with reason \(error?.disconnectText ?? "closed")")
            if reconnectsLeft > 0 {
                reconnectsLeft -= 1
                role?.closed(finally: false)
                let delay = TimeAmount.nanoseconds(Int64(worker.plan.options.reconnectDelay))
                return worker.timers.wake(self, at: .now() + delay)
            }
        } else if retriesLeft > 0 {
            retriesLeft -= 1
            worker.counters[.connectRetried] += 1
            return worker.timers.wake(self, at: .now() + Self.retryDelay)
        } else {
            worker.counters[.connectFailed] += 1
            if worker.plan.options.command == .sub { worker.counters[.subscribeFailed] += 1 }
            say("connect error - \(error?.description ?? "closed")")
            worker.clientTried()
        }
        role?.closed(finally: true)
        worker.clientEnded()
    }

    private func count(_ error: ClientError?) {
        guard case .transport(let failure)? = error else {
            if error == .connectTimeout { worker.counters[.timedOut] += 1 }
            return
        }
        worker.output.hint(failure, options: worker.plan.options)
        switch failure {
        case .refused: worker.counters[.refused] += 1
        case .timedOut: worker.counters[.timedOut] += 1
        case .unreachable: worker.counters[.unreachable] += 1
        case .idle: worker.counters[.idle] += 1
        default: break
        }
    }
}

extension LoadClient: TimerTarget {
    func timeReached(_ now: NIODeadline) {
        if !worker.isStopping { connect() }
    }
}

extension LoadClient: ClientLinkDelegate {
    func link(_ link: ClientLink, received event: ClientEvent) {
        switch event {
        case .connected(let answer): connected(answer)
        case .closed(let error): closed(error)
        default: role?.received(event)
        }
    }

    func linkBecameWritable(_ link: ClientLink) { role?.becameWritable() }
}

extension ClientError {
    /// `142: Session taken over`, or why the transport ended.
    fileprivate var disconnectText: String {
        guard case .disconnected(let code, _) = self else { return description }
        let text = code.text
        guard let space = text.firstIndex(of: " ") else { return text }
        return "\(text[..<space]):\(text[space...])"
    }
}

extension TimeAmount {
    /// Whole microseconds; 0 for a time before.
    var microseconds: UInt64 { nanoseconds > 0 ? UInt64(nanoseconds) / 1000 : 0 }
}
