package import MQTTCodec
package import NIOCore

/// What messages and subscriptions go over: a connection, which is its control stream, or a data stream beside it.
package protocol ClientLink: AnyObject {
    /// Messages at QoS 1 and 2 that would be sent at once.
    var availableQuota: Int { get }
    /// Messages at QoS 1 and 2 that may be without their final acknowledgement.
    var maximumInflight: Int { get }
    /// Whether it takes more without piling it up.
    var isWritable: Bool { get }
    /// True keeps further messages from coming: what is read is kept, and no more is read.
    var isReadingPaused: Bool { get set }
    /// See ``ClientSession/publish(_:token:now:)``.
    func publish(_ message: Publish, token: UInt64, now: NIODeadline) throws(ClientError)
    func subscribe(_ request: Subscribe, token: UInt64) throws(ClientError)
    func unsubscribe(_ request: Unsubscribe, token: UInt64) throws(ClientError)
}
