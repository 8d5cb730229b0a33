import NIOCore

/// What a shard does when a deadline is over.
enum Deadline {
    typealias Handle = DeadlineQueue<Deadline>.Handle

    /// Ends the connection if its CONNECT has not come, or if the client has been silent for too long.
    case connection(Connection)
    /// Publishes the session's delayed will.
    case will(Session)
    /// Ends the session, whose client is away.
    case sessionEnd(Session)
    /// Removes the topic's retained message, which has expired.
    case retained(topic: ByteBuffer)
    /// Hands messages over again to leaders of lanes that have said that they do not lead them.
    case limbo
}
