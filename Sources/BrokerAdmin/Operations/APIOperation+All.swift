import HTTPTypes

extension APIOperation {
    /// All operations of the REST interface, and the document that says what they are.
    ///
    /// - Parameters:
    ///   - accounts: `nil` without a listener for administrators.
    ///   - version: Martlet's.
    package static func all(
        _ source: some ControlSource & ClientSource,
        accounts: Accounts?,
        audit: AuditLog?,
        version: String
    ) -> [APIOperation] {
        var operations =
            ClusterOperations(source: source).all + ClientOperations(source: source).all
            + SubscriptionOperations(source: source).all + PublishOperations(source: source).all
        if let accounts {
            operations += AccountOperations(accounts: accounts, version: version).all
            operations += APIKeyOperations(accounts: accounts).all
        }
        if let audit { operations += AuditOperations(audit: audit).all }
        return operations + [document(of: operations, version: version)]
    }

    private static func document(of operations: [APIOperation], version: String) -> APIOperation {
        let document = OpenAPIDocument(operations, version: version).json
        return APIOperation(
            .get,
            "/api-docs/swagger.json",
            tag: "Documents",
            "The OpenAPI document of these operations",
            answer: .object([], isOpen: true)
        ) { _ in .json(document) }.open
    }
}
