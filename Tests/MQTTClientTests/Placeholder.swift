import Testing
@testable import MQTTClient
@Test func placeholderMQTTClient() { }
