import Testing
@testable import BrokerServer
@Test func placeholderBrokerServer() { }
