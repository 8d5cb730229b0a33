/// Reason String and User Properties, the pair that every acknowledgement may carry.
package struct ReasonProperties: Equatable, Sendable {
    package var reasonString: String?
    package var userProperties: [UserProperty]

    package init(reasonString: String? = nil, userProperties: [UserProperty] = []) {
        self.reasonString = reasonString
        self.userProperties = userProperties
    }
}
