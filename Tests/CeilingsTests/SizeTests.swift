import AllocationCounter
import Testing

@testable import BrokerServer
@testable import MQTTBroker
@testable import MQTTClient
@testable import MQTTCodec
@testable import QUICTransport

/// Octets of what there is one of for each client, and of what is copied for each packet.
@Suite struct SizeTests {
    /// Instances, each in a block of memory of its own.
    private static let classes: [AnyClass] = [
        MQTTBroker.Connection.self, Session.self, Message.self, Route.self,
        QUICConnection.self, QUICStream.self, Engine.self, EngineContext.self,
        TCPConnectionHandler.self, QUICConnectionHandler.self, QUICDataStream.self,
        ClientConnection.self, ClientLink.self,
    ]

    /// In the distance from one to the next, in an array.
    private static let values: [(name: String, size: Int)] = [
        stride(Packet.self), stride(Publish.self), stride(PublishAcknowledgement.self), stride(EncodedPublish.self),
        stride(PacketDecoder.self),
        stride(ShardMessage.self), stride(MessageQueue.Entry.self), stride(DeliveryWindow.Entry.self),
        stride(Session.Subscription.self), stride(TopicTree.Subscription.self), stride(Route.Delivery.self),
        stride(Deadline.self), stride(Output.self), stride(Peer.self), stride(ShardEvent.self),
        stride(TopicFilter.self),
        stride(EngineEvent.self), stride(QUICConnectionID.self), stride(DatagramAddress.self),
    ]

    private static func stride<Value>(_ type: Value.Type) -> (String, Int) {
        (name(type), MemoryLayout<Value>.stride)
    }

    /// With the room, such as `MQTTBroker.Session`.
    private static func name(_ type: Any.Type) -> String { String(reflecting: type) }

    @Test("Sizes of classes and values") func sizes() throws {
        let instances = Self.classes.map { type in
            (Self.name(type), class_instance_size(unsafeBitCast(type, to: UnsafeRawPointer.self)))
        }
        try Ceilings.hold(Dictionary(uniqueKeysWithValues: instances + Self.values), to: "sizes")
    }

    @Test("The size of an instance is that of its fields behind the header") func instance() {
        final class Pair {
            var first = 1
            var second: UInt8 = 2
        }
        #expect(class_instance_size(unsafeBitCast(Pair.self, to: UnsafeRawPointer.self)) == 16 + 8 + 1)
    }
}
