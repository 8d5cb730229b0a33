import Testing
@testable import LoadGenerator
@Test func placeholderLoadGenerator() { }
