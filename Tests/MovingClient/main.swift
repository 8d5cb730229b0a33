import Glibc
import NIOCore
import NIOPosix

// A client of ours that tests move about: see MovingClient.
//
//     MovingClient IDENTIFIER HOST PORT LOCAL-HOST SESSION-EXPIRY
let words = CommandLine.arguments
guard words.count == 6, let port = Int(words[3]), let expiry = UInt32(words[5]) else {
    print("usage: MovingClient IDENTIFIER HOST PORT LOCAL-HOST SESSION-EXPIRY")
    exit(64)
}
let client = try await MovingClient.start(
    words[1],
    to: SocketAddress(ipAddress: words[2], port: port),
    from: SocketAddress(ipAddress: words[4], port: 0),
    sessionExpiry: expiry,
    on: MultiThreadedEventLoopGroup.singleton.next()
)
while let line = readLine() { client.obey(line) }
