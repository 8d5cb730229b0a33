import SecretFixture
import Secrets
import Testing

@Suite struct SecretTests {
    private struct Account: Equatable {
        var name = "car 7"
        @Secret var password: String?
        @Secret var keys: [Int: [UInt8]] = [:]
    }

    private enum Vault: SecretValue {
        case open(String)
    }

    private final class Holder {
        let account = Account(password: Marker.text, keys: [1: Marker.octets])
        let vault = [Vault.open(Marker.text)]
    }

    @Test("No description of a type shows its secrets, however deep they are") func hidden() {
        let holder = Holder()
        #expect(
            !Marker.isShown(by: holder) && !Marker.isShown(by: holder.account) && !Marker.isShown(by: [holder.account])
        )
        #expect(!Marker.isShown(by: holder.vault) && !Marker.isShown(by: Optional(holder.vault)))
        #expect("\(holder.account)".contains("car 7"), "the rest is shown")
        #expect("\(Vault.open(Marker.text))" == "Vault")
        #expect(String(describing: Optional(Secret(wrappedValue: Marker.text))) == "Optional((hidden))")
    }

    @Test("The marker is found where a type shows it") func found() {
        for open: Any in [
            Marker.text, Marker.octets, ["a": [Marker.octets]], Optional(Marker.text) as Any, Marker.octets[...],
        ] {
            #expect(Marker.isShown(by: open))
        }
        #expect(!Marker.isShown(by: "another"))
    }

    @Test("A hidden value is compared, read and changed as any other") func used() {
        var account = Account(password: "one")
        #expect(account == Account(password: "one") && account != Account(password: "two"))
        account.password = nil
        #expect(account.password == nil)
    }
}
