import Foundation
package import MQTTBroker
import NIOCore

extension Instant {
    /// The present.
    package static func now() -> Instant {
        Instant(monotonic: .now(), wall: Int64(Date().timeIntervalSince1970 * 1000))
    }
}
