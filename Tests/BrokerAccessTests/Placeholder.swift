import Testing
@testable import BrokerAccess
@Test func placeholderBrokerAccess() { }
