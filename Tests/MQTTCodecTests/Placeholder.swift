import Testing
@testable import MQTTCodec
@Test func placeholderMQTTCodec() { }
