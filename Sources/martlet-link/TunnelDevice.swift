import ArgumentParser
import CTunnel
import Glibc

/// A TUN device: what a network namespace routes there is read, and what is written arrives there.
/// It is open for as long as the process runs.
struct TunnelDevice {
    let descriptor: CInt

    /// - Parameter name: `NAMESPACE:DEVICE`, or a device of this process's namespace.
    init(_ name: String) throws {
        let parts = name.split(separator: ":", maxSplits: 1)
        guard let device = parts.last else { throw ValidationError("'\(name)' is no device") }
        if parts.count == 2 {
            descriptor = tunnel_open("/run/netns/\(parts[0])", String(device))
        } else {
            descriptor = tunnel_open(nil, String(device))
        }
        if descriptor < 0 { throw ValidationError("cannot open \(name): \(String(cString: strerror(-descriptor)))") }
    }

    /// - Returns: octets of the packet, or nil when none is there.
    static func read(_ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        return count > 0 ? count : nil
    }

    /// - Returns: false when the device did not take it.
    static func write(_ packet: UnsafeMutableRawBufferPointer, to descriptor: CInt) -> Bool {
        Glibc.write(descriptor, packet.baseAddress, packet.count) == packet.count
    }
}
