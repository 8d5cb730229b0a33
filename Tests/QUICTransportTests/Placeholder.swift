import Testing
@testable import QUICTransport
@Test func placeholderQUICTransport() { }
