import Testing
@testable import MQTTBroker
@Test func placeholderMQTTBroker() { }
