package import HTTPTypes

/// One operation of the REST interface: what its requests are held to, what the OpenAPI document says of it, and what it does.
package struct APIOperation: Sendable {
    package let method: HTTPRequest.Method
    /// Behind `/api/v5`, with parameters in braces.
    package let path: String
    package let tag: String
    package let summary: String
    package let parameters: [APIParameter]
    package let body: Schema?
    /// What 200 has; `nil` for 204.
    package let answer: Schema?
    /// The statuses and codes of refusals, beside 401, 403, 415, 500 and 503 which each may have.
    package let refusals: [HTTPResponse.Status]
    /// Further answers, by status.
    package var others: [(status: HTTPResponse.Status, schema: Schema)] = []
    /// True if everybody may ask for it, without an account.
    package var isOpen = false
    package let carryOut: @Sendable (APIRequest) async throws -> APIAnswer

    /// For the audit log; paths have no secrets.
    var name: String { "\(method.rawValue) \(path)" }

    /// The same with further answers.
    func answering(_ others: [(status: HTTPResponse.Status, schema: Schema)]) -> Self {
        var answering = self
        answering.others = others
        return answering
    }

    /// The same for everybody.
    var open: Self {
        var open = self
        open.isOpen = true
        return open
    }

    init(
        _ method: HTTPRequest.Method,
        _ path: String,
        tag: String,
        _ summary: String,
        parameters: [APIParameter] = [],
        body: Schema? = nil,
        answer: Schema? = nil,
        refusals: [HTTPResponse.Status] = [],
        _ carryOut: @escaping @Sendable (APIRequest) async throws -> APIAnswer
    ) {
        self.method = method
        self.path = path
        self.tag = tag
        self.summary = summary
        self.parameters = parameters
        self.body = body
        self.answer = answer
        self.refusals = refusals
        self.carryOut = carryOut
    }
}
