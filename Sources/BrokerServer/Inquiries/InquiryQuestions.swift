import BrokerCluster
import MQTTBroker

/// Which clients are connected to you, or away with their sessions at home there?
struct ClientsQuestion: NodeQuestion {
    typealias Answer = ClientSearch.Found

    static let kind = "clients"

    let search: ClientSearch
}

/// What do you know of the sessions of these clients?
struct SessionsQuestion: NodeQuestion {
    typealias Answer = [SessionRow]

    static let kind = "sessions"

    let clients: [String]
}

/// End the session of this client if it is at home at your node.
struct KickQuestion: NodeQuestion {
    typealias Answer = Bool

    static let kind = "kick"

    let client: String
}

/// Which subscriptions do the sessions have that are at home there?
struct SubscriptionsQuestion: NodeQuestion {
    typealias Answer = SubscriptionSearch.Found

    static let kind = "subscriptions"

    let search: SubscriptionSearch
}
