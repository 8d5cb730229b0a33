import NATSClient
import NIOCore
import SecretFixture
import Testing

@Suite struct ConnectOctetsTests {
    @Test("No description of a verb shows the credentials of CONNECT") func hidden() {
        let verb = Verb.connect(ConnectOctets(json: ByteBuffer(string: #"{"pass":"\#(Marker.text)"}"#)))
        #expect(!Marker.isShown(by: verb))
    }
}
