package import Hummingbird
import NIOCore

/// What a router knows of a request beside the request.
package struct AdminContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The client's IP address as text; of the control socket's clients `local`.
    package let address: String

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        address = source.channel.remoteAddress?.ipAddress ?? "local"
    }
}
