package import NIOCore

/// How a lane that this run leads is doing.
package enum LaneHealth: Equatable, Sendable {
    case serving
    /// An append has waited for `LaneLimits.suspension`; why, in words. It goes on being tried.
    case suspended(String)
    /// The same, and JetStream has refused it since there is no space; why, in words.
    case full(String)
}

/// What is known of one lane that this run leads.
package struct LaneStatus: Equatable, Sendable {
    package let term: LaneTerm
    package let health: LaneHealth
    /// Of the newest message that was acknowledged.
    package let position: LanePosition
    /// How long the append in flight has waited; `nil` if there is none.
    package let waiting: TimeAmount?

    package init(term: LaneTerm, health: LaneHealth, position: LanePosition, waiting: TimeAmount?) {
        self.term = term
        self.health = health
        self.position = position
        self.waiting = waiting
    }
}
