import ArgumentParser
import CTunnel
import Glibc

/// A TUN device: packets that its network namespace routes to the device are read, packets that are written arrive in the
/// namespace. The device stays open until the process ends.
struct TunnelDevice {
    let descriptor: CInt

    /// - Parameter name: `NAMESPACE:DEVICE`, or a device of this process's namespace.
    init(_ name: String) throws {
        let parts = name.split(separator: ":", maxSplits: 1)
        guard let device = parts.last else { throw ValidationError("'\(name)' is not the name of a device") }
        if parts.count == 2 {
            descriptor = tunnel_open("/run/netns/\(parts[0])", String(device))
        } else {
            descriptor = tunnel_open(nil, String(device))
        }
        if descriptor < 0 { throw ValidationError("cannot open \(name): \(String(cString: strerror(-descriptor)))") }
    }

    /// - Returns: the packet's octets; nil if no packet is waiting.
    static func read(_ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        return count > 0 ? count : nil
    }

    /// - Returns: false if the device did not take the packet.
    static func write(_ packet: UnsafeMutableRawBufferPointer, to descriptor: CInt) -> Bool {
        Glibc.write(descriptor, packet.baseAddress, packet.count) == packet.count
    }
}
