import BrokerConfiguration
import NIOCore
import QUICTransport

extension ValueForm<QUICPreferredAddress> {
    /// An address of a node of its own: one, or one of each IP version.
    static var preferredAddress: ValueForm {
        ValueForm(
            "an address and a port such as \"192.0.2.1:14567\" or \"[2001:db8::1]:14567\", or a list of one of each IP version",
            read: { value in
                let texts = value.elements?.map(\.text) ?? value.text?.split(separator: ",").map { String($0) } ?? []
                let addresses = texts.compactMap { $0.flatMap(Self.address) }
                return addresses.count == texts.count ? QUICPreferredAddress(addresses) : nil
            },
            write: { preferred in
                let texts = [preferred.v4, preferred.v6].compactMap { address -> String? in
                    guard let host = address?.ipAddress, let port = address?.port else { return nil }
                    return HOCONText.quoted("\(BindAddress(host: host, port: port))")
                }
                return texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]"
            }
        )
    }

    private static func address(_ text: String) -> SocketAddress? {
        guard let parts = BindAddress(text), let host = parts.host else { return nil }
        return try? SocketAddress(ipAddress: host, port: parts.port)
    }
}
