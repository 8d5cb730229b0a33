import NIOCore
import NIOSSL
import QUICTransport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A byte stream to a server. It belongs to one ``ClientConnection`` and reports to it: opened, received, writable, closed.
protocol ClientTransport: AnyObject {
    /// False while more is written than the peer takes.
    var isWritable: Bool { get }
    /// Octets are left to the peer while true.
    var isReadingPaused: Bool { get set }
    func open()
    func write(_ bytes: ByteBuffer)
    /// Goes on from another local address. Fails with ``ClientError/cannotMigrate`` where the transport cannot.
    func migrate(to local: SocketAddress, _ migration: QUICEndpoint.Migration) -> EventLoopFuture<Void>
    /// Opens a stream beside it.
    ///
    /// - Throws: ``ClientError/streamsNotSupported``, ``ClientError/streamLimitReached``, ``ClientError/notConnected``.
    func openStream(_ stream: ClientStream, priority: UInt16) throws(ClientError) -> any ClientStreamTransport
    /// Ends the transport once everything written is sent; nothing is reported any more.
    ///
    /// - Parameter lastWords: what the server is to read last, after all that went over other streams.
    func close(_ lastWords: ByteBuffer)
}

/// A data stream on a transport. It reports to its ``ClientStream``: received, writable, ended.
protocol ClientStreamTransport: AnyObject {
    /// False while more is written than the peer takes.
    var isWritable: Bool { get }
    /// Octets are left to the peer while true.
    var isReadingPaused: Bool { get set }
    func write(_ bytes: ByteBuffer)
    /// Ends this side behind what was written; the peer's end is reported.
    func finish()
    /// Ends both sides; nothing is reported any more but that both know of it.
    func abandon(code: UInt64)
    /// Nothing is reported any more.
    func letGo()
}

/// What has its writes gathered until the end of a tick.
protocol ClientFlushing: AnyObject {
    func flush()
}

extension TransportFailure {
    init(_ error: any Error) {
        switch error {
        case let failure as TransportFailure: self = failure
        case let error as IOError: self = Self(error)
        case ChannelError.connectTimeout: self = .timedOut
        case ChannelError.eof, NIOSSLError.uncleanShutdown: self = .closed("by the server")
        case let error as NIOSSLError: self = .security(Self.text(error))
        case let error as NIOSSLExtraError: self = .security(error.description)
        default: self = .other("\(error)")
        }
    }

    private static func text(_ error: NIOSSLError) -> String {
        switch error {
        case .handshakeFailed(.sslError(let stack)): stack.map(\.description).joined(separator: ", ")
        default: "\(error)"
        }
    }

    private init(_ error: IOError) {
        switch error.errnoCode {
        case ECONNREFUSED: self = .refused
        case ETIMEDOUT: self = .timedOut
        case EHOSTUNREACH, ENETUNREACH, ENETDOWN: self = .unreachable
        case ECONNRESET, EPIPE: self = .closed("reset by the server")
        case EMFILE, ENFILE: self = .outOfDescriptors
        case EADDRNOTAVAIL, EADDRINUSE: self = .outOfAddresses
        default: self = .other("\(error)")
        }
    }
}
