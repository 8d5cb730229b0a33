/// A question about what a shard has. The shard answers it in steps of its ticks (`Pace`), so that nobody who asks holds up messages.
package enum Inquiry: Sendable {
    /// Clients whose sessions are asked for at a time; further ones are not looked up.
    package static let maximumSessions = 400

    /// Which clients are here?
    case clients(ClientSearch)
    /// What is known of the sessions of these clients, which are at home here?
    case sessions(of: [String])
    /// Which subscriptions are here?
    case subscriptions(SubscriptionSearch)
    /// Publish this.
    case publish(MessageToPublish)

    /// What a shard answers.
    package enum Answer: Sendable {
        case clients(ClientSearch.Found)
        case sessions([SessionRow])
        case subscriptions(SubscriptionSearch.Found)
        case published(MessageToPublish.Outcome)
    }
}
