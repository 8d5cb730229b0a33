import Testing
@testable import BrokerConfiguration
@Test func placeholderBrokerConfiguration() { }
