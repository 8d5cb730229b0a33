package import NIOCore
package import Secrets

/// AUTH (MQTT 5.0 §3.15).
package struct Authentication: Equatable, Sendable {
    package var reasonCode: ReasonCode
    package var method: String?
    @Secret package var data: ByteBuffer?
    package var properties: ReasonProperties?

    package init(
        reasonCode: ReasonCode = .success,
        method: String? = nil,
        data: ByteBuffer? = nil,
        properties: ReasonProperties? = nil
    ) {
        self.reasonCode = reasonCode
        self.method = method
        self.data = data
        self.properties = properties
    }
}
