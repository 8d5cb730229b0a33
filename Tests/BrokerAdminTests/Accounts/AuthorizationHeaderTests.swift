import Foundation
import SecretFixture
import Testing

@testable import BrokerAdmin

@Suite struct AuthorizationHeaderTests {
    @Test("Basic and Bearer are read, the scheme in any case", arguments: ["Basic ", "basic ", "BASIC   "])
    func basic(scheme: String) {
        guard case .basic("k", "s:t") = AuthorizationHeader(scheme + Data("k:s:t".utf8).base64EncodedString()) else {
            Issue.record("not read")
            return
        }
    }

    @Test(
        "What cannot be read is nothing",
        arguments: ["", "Basic", "Basic ", "Bearer", "Digest x", "Basic !!", "Basic a2s=", "Basic /w==", "x", " "]
    )
    func unreadable(value: String) { #expect(AuthorizationHeader(value) == nil) }

    @Test("No description shows what a header has")
    func hidden() {
        let basic = AuthorizationHeader("Basic " + Data("k:\(Marker.text)".utf8).base64EncodedString())
        let bearer = AuthorizationHeader("Bearer \(Marker.text)")
        guard case .bearer(Marker.text) = bearer else {
            Issue.record("not read")
            return
        }
        #expect(!Marker.isShown(by: bearer as Any) && !Marker.isShown(by: basic as Any))
    }
}
