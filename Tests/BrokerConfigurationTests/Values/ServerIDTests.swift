import BrokerConfiguration
import Testing

@Suite struct ServerIDTests {
    @Test func isRead() {
        #expect(ServerID.number(of: "0x00ffee0123456789") == 0x00ff_ee01_2345_6789)
        #expect(ServerID.number(of: "0xFFFFFFFFFFFFFFFF") == .max)
    }

    @Test(arguments: [
        "00ffee0123456789", "0x00ffee012345678", "0x00ffee01234567890", "0x00ffee012345678g", "0x+0ffee0123456789", "",
    ])
    func isRefused(text: String) { #expect(ServerID.number(of: text) == nil) }
}
