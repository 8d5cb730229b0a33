package import HTTPTypes
package import NIOCore
package import Secrets

/// A request whose parameters and body are what its operation wants.
package struct APIRequest: Sendable {
    package var path: [String: String] = [:]
    package var query: [String: [JSONValue]] = [:]
    /// `nil` for an operation without a body. It may have a password.
    @Secret package var body: JSONValue?
    package var asker: Asker

    /// Who asks.
    package struct Asker: Sendable {
        /// `nil` for an operation that everybody may carry out.
        package let principal: Principal?
        /// The address that the request came from.
        package let address: String
        /// The value of the header `Authorization`.
        @Secret private(set) var authorization: String?

        package init(_ principal: Principal?, address: String, authorization: String? = nil) {
            self.principal = principal
            self.address = address
            self.authorization = authorization
        }

        /// Who may use the control socket, may do everything.
        static let controlSocket = Asker(
            Principal(.user, name: "control socket", role: .administrator),
            address: "local"
        )
    }

    package init(asker: Asker) { self.asker = asker }

    func string(_ name: String) -> String? { query[name]?.first?.string }
    func integer(_ name: String) -> Int? { query[name]?.first?.integer }
    func boolean(_ name: String) -> Bool? { query[name]?.first?.boolean }
    func strings(_ name: String) -> [String] { (query[name] ?? []).compactMap(\.string) }
    func time(_ name: String) -> WallTime? { string(name).flatMap { WallTime($0) } }
}

/// What a request is answered with.
package enum APIAnswer: Sendable {
    case json(ByteBuffer)
    case text(ByteBuffer)
    /// JSON with another status than 200.
    case other(HTTPResponse.Status, ByteBuffer)
    /// 204.
    case nothing

    static func json(_ body: (inout JSONWriter) throws -> Void) rethrows -> Self {
        var writer = JSONWriter()
        try body(&writer)
        return .json(writer.octets)
    }
}
