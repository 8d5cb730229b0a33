/// Names a stream of a client's connection, also after the stream's end.
package struct ClientStreamID: Sendable, Hashable {
    /// 0 for the control stream; data streams count from 1 on, over all connections of a client.
    let number: UInt64

    /// The control stream.
    package static let control = Self(number: 0)
}
